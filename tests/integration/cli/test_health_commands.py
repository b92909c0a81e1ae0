"""Commands that judge: `status --check`, `check`, `pause` and `resume`, with their lines and exit codes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.ledger import claims, stuck, workers
from scrypath_celery.operator.broker import AnsweringWorker, Broker
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import State
from tests.deadline import eventually
from tests.embedded.wire import Wire
from tests.integration.cli.conftest import Run, document
from tests.integration.operator.conftest import write
from tests.shop import Post, Shop

AWAY = ("--meilisearch-url", "http://127.0.0.1:1")
WORKER = AnsweringWorker(name="w1@here", queues=("search_sync",), declares=("posts",))
BROKER = Broker(url="redis://here", queue="search_sync", depth=0, workers=(WORKER,))


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> list[Broker]:
    """What the commands see of the broker: a worker that answers; a test may put another in its place."""
    seen = [BROKER]
    for module in ("status", "reconcile"):
        monkeypatch.setattr(f"scrypath_celery.cli.{module}.look_at_broker", lambda app, options: seen[0])
    return seen


@pytest.mark.usefixtures("broker")
def test_a_healthy_shop_exits_0_in_one_word(run: Run) -> None:
    result = run("status", "--check")
    assert (result.exit_code, result.stdout) == (0, "healthy\n")
    assert document(run("status", "--check", "--json"))["check"] == {"health": "healthy", "reasons": [], "unknown": []}


@pytest.mark.usefixtures("broker")
def test_each_reason_is_one_line_that_greps_and_the_exit_code_2(run: Run, shop: Shop) -> None:
    write(shop, State.FAILED)
    write(shop, State.PENDING, available_at=1.0)
    result = run("status", "--check", "--max-age", "60")
    assert result.exit_code == 2
    first, second = result.stdout.splitlines()
    assert first == (
        "attention code=dead_letters schema=Post: 1 dead letters; do: scrypath-celery -A the_shop failed Post"
    )
    assert re.match(r"attention code=work_overdue schema=Post: work has been due for \d+ s", second)
    found = document(run("status", "--check", "--json"))
    assert [reason["code"] for reason in found["check"]["reasons"]] == ["dead_letters", "work_overdue"]
    ignoring = ("--ignore", "dead_letters", "--ignore", "work_overdue")
    assert run("status", "--check", *ignoring).exit_code == 0
    assert run("status").exit_code == 0


def test_what_could_not_be_looked_at_is_exit_code_1_beside_the_reasons(
    run: Run, shop: Shop, broker: list[Broker]
) -> None:
    write(shop, State.FAILED)
    result = run("status", "--check", *AWAY)
    assert result.exit_code == 1
    assert "attention code=dead_letters" in result.stdout
    assert "unknown: Meilisearch at http://127.0.0.1:1 cannot be reached" in result.stdout
    broker[0] = replace(BROKER, workers=None, unknown="it broke")
    assert run("status", "--check", "--ignore", "dead_letters").exit_code == 2


def test_a_worker_that_the_ledger_knows_and_that_is_silent_is_named(run: Run, shop: Shop, broker: list[Broker]) -> None:
    with shop.engine.begin() as connection:
        for name in ("w1@here", "w2@here"):
            workers.note(connection, name)
    result = run("status", "--check")
    assert result.exit_code == 2
    assert "code=worker_silent schema=none: worker w2@here does not answer" in result.stdout
    assert re.search(r"^  w2@here: silent seen_ago=\d+\.\d claims=0$", run("status").stdout, re.M)
    broker[0] = Broker(url="", queue="search_sync", unknown="frozen")
    assert "  w1@here: not asked" in run("status").stdout


@pytest.mark.usefixtures("broker")
def test_status_tells_the_health_of_the_engine(run: Run, shop: Shop, scrypath_engine: EngineUnderTest) -> None:
    result = run("status")
    assert re.search(r"^engine: version=\S+ tested=\w+ backlog=\d+ .*disk_bytes=\d+", result.stdout, re.M)
    if scrypath_engine.embedded is None:
        return
    scrypath_engine.embedded.freeze()
    try:
        shop.search.runtime.engine.create("other", "id")
        held = run("status", "--check", "--max-age", "0")
    finally:
        scrypath_engine.embedded.thaw()
    assert held.exit_code == 2
    assert "code=engine_stuck schema=none: the engine's queue has not moved for" in held.stdout


@pytest.mark.usefixtures("broker")
def test_an_engine_that_hangs_costs_no_more_than_the_timeout(run: Run, scrypath_engine: EngineUnderTest) -> None:
    if scrypath_engine.embedded is None:
        pytest.skip("a real engine is not made slow by a test")
    fault = scrypath_engine.embedded.faults.add("slow", seconds=30.0)
    try:
        result = run("status", "--timeout", "2")
    finally:
        fault.remove()
    assert result.exit_code == 1
    assert "engine: unknown (Meilisearch at" in result.stdout
    assert "queue: pending=0" in result.stdout


@pytest.mark.usefixtures("broker")
def test_watching_looks_again_until_it_is_interrupted(run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def interrupt(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr("scrypath_celery.cli.status.rest", interrupt)
    result = run("status", "--check", "--json", "--watch", "0.5")
    assert (result.exit_code, looks) == (0, [0.5, 0.5])
    assert [json.loads(line)["command"] for line in result.stdout.splitlines()] == ["status", "status"]


def test_pause_and_resume_tell_who_when_and_why_everywhere(run: Run, shop: Shop) -> None:
    paused = run("pause", "Post", "--reason", "moving the engine")
    assert paused.exit_code == 0
    assert re.match(r"Paused Post: by=\S+@\S+ since=\S+ reason=moving the engine\n", paused.stdout)
    assert "scrypath-celery -A the_shop resume Post" in paused.stdout
    assert "  paused by hand: by=" in run("status").stdout
    report = run("reconcile")
    assert report.exit_code == 2
    assert "signals: index_paused" in report.stdout
    assert "scrypath-celery -A the_shop resume Post" in report.stdout
    assert run("resume", "Post").stdout == "Resumed Post\n"
    assert run("reconcile").exit_code == 0
    again = run("resume", "Post", "--json")
    assert (again.exit_code, document(again)["resumed"]) == (0, False)


def test_a_pause_in_an_index_that_workers_do_not_see_is_refused(run: Run, shop: Shop) -> None:
    result = run("pause", "Post", "--reason", "x", "--index-prefix", "other")
    assert (result.exit_code, "--index-prefix cannot be given" in result.stderr) == (1, True)


@pytest.mark.usefixtures("broker")
def test_a_check_before_the_first_deployment_is_healthy_once_there_is_a_ledger(run: Run, shop: Shop) -> None:
    result = run("check")
    assert result.exit_code == 0
    parts = [line.split(":")[0] for line in result.stdout.splitlines()]
    assert parts == [
        "healthy ledger",
        "healthy engine",
        "healthy key",
        "healthy contract schema=Post",
        "healthy workers",
    ]
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE scrypath_work")
    with shop.search.override(**shop.setup.options, meilisearch_url=shop.setup.meilisearch_url):
        missing = run("check", "--json")
        [line] = [line for line in run("check").stdout.splitlines() if " ledger:" in line]
    found = {one["part"]: one["health"] for one in document(missing)["findings"]}
    assert (missing.exit_code, found["ledger"]) == (2, "attention")
    assert line.count("ledger upgrade") == 1


def test_a_check_names_what_is_missing_and_what_to_do(run: Run, shop: Shop, broker: list[Broker]) -> None:
    broker[0] = replace(BROKER, workers=())
    shop.add(1)
    shop.search.drain()
    engine, uid = shop.search.runtime.engine, shop.search.runtime.uid_of(shop.search.schemas.of(Post))
    engine.drop(uid)
    eventually(lambda: engine.index(uid) is None, what="the index is gone")
    result = run("check")
    assert result.exit_code == 2
    assert "attention workers: none consumes the queue search_sync; do: start one: celery -A the_shop" in result.stdout
    assert "celery -A the_shop worker -Q search_sync\n" in result.stdout
    assert "was made and is gone; do: scrypath-celery -A the_shop backfill Post" in result.stdout
    assert run("check", "--skip", "workers", "--skip", "contract").exit_code == 0


@pytest.mark.usefixtures("broker")
def test_a_check_that_cannot_look_exits_1(run: Run, shop: Shop) -> None:
    result = run("check", *AWAY)
    assert result.exit_code == 1
    assert "unknown engine: Meilisearch at http://127.0.0.1:1 cannot be reached" in result.stdout
    assert "healthy ledger" in result.stdout


@pytest.mark.usefixtures("broker")
def test_a_check_that_waits_ends_when_everything_is_there(
    run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE scrypath_worker RENAME TO elsewhere")
    waits = []

    def upgrade(seconds: float) -> None:
        waits.append(seconds)
        with shop.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO scrypath_worker")

    monkeypatch.setattr("scrypath_celery.cli.check.rest", upgrade)
    with shop.search.override(**shop.setup.options, meilisearch_url=shop.setup.meilisearch_url):
        result = run("check", "--wait", "60", "--skip", "contract")
    assert (result.exit_code, waits) == (0, [1.0])


@pytest.mark.usefixtures("broker")
def test_a_check_says_which_rights_a_key_lacks_and_changes_nothing(
    run: Run, shop: Shop, request: pytest.FixtureRequest
) -> None:
    with EmbeddedEngine(master_key="a-master-key-of-some-length") as engine:
        wire = Wire(engine.url, "a-master-key-of-some-length")
        request.addfinalizer(wire.close)
        lacking: dict[str, Any] = {"indexes": ["*"], "expiresAt": None}
        weak = {**lacking, "actions": ["documents.get", "indexes.*", "settings.*", "stats.get", "tasks.get", "search"]}
        full = {**lacking, "actions": [*weak["actions"], "documents.add", "documents.delete"]}
        keys = [wire.call("POST", "/keys", wanted).json["key"] for wanted in (weak, full)]
        results = []
        for key in keys:
            with shop.search.override(meilisearch_url=engine.url, meilisearch_api_key=key):
                results.append(run("check"))
        assert wire.call("GET", "/tasks").json["total"] == 0
    assert [result.exit_code for result in results] == [2, 0]
    assert "attention key: the key is wrong, or lacks documents.add, documents.delete; do:" in results[0].stdout


def test_a_trace_that_could_not_compare_exits_1(run: Run, shop: Shop) -> None:
    with shop.Session.begin() as session:
        session.add(Post(id=1, title="one", body="crash"))
    result = run("trace", "Post", "1")
    assert (result.exit_code, "agree=unknown" in result.stdout) == (1, True)


@pytest.mark.usefixtures("broker")
def test_a_report_exits_2_for_work_that_hangs_and_names_it(run: Run, shop: Shop) -> None:
    id = write(shop, State.PENDING)
    ledger = shop.search.ledger
    held = ledger.run(lambda tx: claims.take(tx, "posts", documents=9, lease=60.0, worker="w"))
    assert held is not None
    ledger.run(lambda tx: stuck.mark(tx, held.token, id="1", seconds=30.0, lease=60.0))
    result = run("reconcile")
    assert result.exit_code == 2
    assert "works_hang" in result.stdout
    assert f"scrypath-celery -A the_shop work show {id}" in result.stdout


@pytest.mark.parametrize(
    "command", [("status",), ("failed",), ("trace", "Post", "1"), ("reconcile",), ("ledger", "check")]
)
def test_every_command_takes_a_timeout(run: Run, command: tuple[str, ...]) -> None:
    assert run(*command, "--timeout", "30").exit_code in (0, 1)
    assert "--timeout" in run(*command[: 2 if command[0] == "ledger" else 1], "--help").stdout


def test_a_command_that_waits_for_a_record_ends_in_time(run: Run, shop: Shop) -> None:
    with shop.Session.begin() as session:
        session.add(Post(id=1, title="one", body="hang"))
    result = run("trace", "Post", "1", "--timeout", "1.5")
    assert result.exit_code == 1
    assert "record: unknown (did not answer within" in result.stdout
    late = run("backfill", "Post", "--sync-mode", "inline", "--timeout", "1.5", "--json")
    assert (late.exit_code, document(late)["error"]["code"]) == (1, "timeout")
