"""Lists of works, and what is done to many of them at once, on the command line."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scrypath_celery.errors import WorkError
from scrypath_celery.ledger import overview, works
from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.work import ReasonClass, State
from tests.integration.cli.conftest import Run, document
from tests.integration.operator.conftest import write
from tests.shop import Post, Shop


@pytest.fixture
def brokered(shop: Shop, scrypath_broker: FakeBroker) -> Shop:
    """The shop, with a broker that answers."""
    shop.app.conf.broker_url = scrypath_broker.url
    return shop


def now(shop: Shop) -> float:
    return shop.search.ledger.read(overview.time)


def dead(shop: Shop, count: int, **values: Any) -> list[int]:
    """Dead letters that failed a second apart, the last one now."""
    at = now(shop)
    return [write(shop, State.FAILED, **{"finished_at": at - count + 1 + n, **values}) for n in range(count)]


def ids(stdout: str) -> list[int]:
    return [int(found) for found in re.findall(r"^id=(\d+)", stdout, re.M)]


def states(shop: Shop) -> dict[int, State]:
    return {item.id: item.state for item in shop.works()}


def test_failed_shows_the_newest_first_page_by_page(run: Run, shop: Shop) -> None:
    found = dead(shop, 5, reason_class="source", error_code="raised")
    first = run("failed", "--limit", "3")
    assert ids(first.stdout) == found[:1:-1]
    assert first.stdout.splitlines()[-1] == f"3 of 5 failed works shown; the next page: --after {found[2]}"
    rest = run("failed", "--limit", "3", "--after", str(found[2]))
    assert ids(rest.stdout) == [found[1], found[0]]
    assert rest.stdout.splitlines()[-1] == "2 of 5 failed works shown"
    assert ids(run("failed", "--order", "oldest").stdout) == found


def test_failed_in_json_counts_every_class_and_says_where_the_next_page_begins(run: Run, shop: Shop) -> None:
    found = dead(shop, 3, reason_class="source")
    write(shop, State.RETRYING, reason_class="transport", finished_at=0.0)
    told = document(run("failed", "--json", "--limit", "2"))
    assert set(told) == {"version", "command", "total", "by_class", "by_state", "classes", "groups", "works", "next"}
    assert set(told["by_class"]) == {one.value for one in ReasonClass}
    assert (told["total"], told["by_class"]["source"], told["by_class"]["auth"]) == (4, 3, 0)
    assert told["next"] == found[1]
    row = told["works"][0]
    assert (row["mode"], row["attempt"], row["max_attempts"]) == ("celery", 0, 8)
    assert {"time", "error_code", "last_attempt_at", "failed_at"} <= set(row)
    assert document(run("failed", "--json", "--after", str(found[1])))["next"] is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--code", "raised"), {"b"}),
        (("--reason-class", "transport"), {"c", "d"}),
        (("--since", "10m"), {"a", "b", "c"}),
        (("--until", "10m"), {"d"}),
        (("--until", "2001-01-01T00:00+01:00"), {"d"}),
        (("--since", "2001-01-01"), {"a", "b", "c"}),
        (("--document", "77"), {"b"}),
        (("--state", "retrying"), {"c"}),
        (("--state", "pending", "--state", "cancelled"), {"e", "f"}),
        (("Post",), {"a", "b", "c", "d"}),
        (("--reason-class", "auth"), set()),
    ],
)
def test_failed_shows_what_a_filter_leaves(
    run: Run, shop: Shop, arguments: tuple[str, ...], expected: set[str]
) -> None:
    at = now(shop)
    rows: dict[str, tuple[State, dict[str, Any]]] = {
        "a": (State.FAILED, {"reason_class": "source", "finished_at": at}),
        "b": (State.FAILED, {"reason_class": "source", "error_code": "raised", "finished_at": at, "id": "77"}),
        "c": (State.RETRYING, {"reason_class": "transport", "finished_at": at}),
        "d": (State.FAILED, {"reason_class": "transport", "finished_at": 9e8}),
        "e": (State.PENDING, {}),
        "f": (State.CANCELLED, {"finished_at": at}),
        "g": (State.SUCCEEDED, {"finished_at": at}),
    }
    written = {write(shop, state, **values): name for name, (state, values) in rows.items()}
    assert {written[id] for id in ids(run("failed", *arguments).stdout)} == expected


def test_failed_counts_by_code_schema_and_hour(run: Run, shop: Shop) -> None:
    dead(shop, 2, reason_class="source", error_code="raised", finished_at=7300.0)
    dead(shop, 1, reason_class="source", finished_at=3599.0)
    write(shop, State.FAILED, uid="forgotten", reason_class="source", finished_at=7200.0)
    counted = {by: run("failed", "--by", by, "--summary").stdout.splitlines() for by in ("code", "schema", "hour")}
    head, tail = ["Failed work by class:", "  source: failed=4 retrying=0"], ["0 of 4 failed works shown"]
    assert counted["code"] == [*head, "Work by code:", "  code=none works=2", "  code=raised works=2", *tail]
    assert counted["schema"] == [*head, "Work by schema:", "  schema=Post works=3", "  schema=forgotten works=1", *tail]
    hours = ["  hour=1970-01-01T02:00:00.000Z works=3", "  hour=1970-01-01T00:00:00.000Z works=1"]
    assert counted["hour"] == [*head, "Work by hour:", *hours, *tail]


def test_work_list_shows_what_waits_and_runs_and_who_has_it(run: Run, shop: Shop) -> None:
    for state in State:
        write(shop, state, worker="host:1:2", task_id="abc", started_at=now(shop) - 90.0, finished_at=1.0)
    result = run("work", "list")
    lines = [line for line in result.stdout.splitlines() if line.startswith("id=")]
    assert {re.search(r"state=(\w+)", line)[1] for line in lines} == {  # type: ignore[index]
        "pending",
        "running",
        "submitted",
        "retrying",
        "failed",
    }
    [running] = [line for line in lines if "state=running" in line]
    assert re.search(r"age=9\d\.\d worker=host:1:2 task_id=abc", running)
    assert not any("worker=" in line for line in lines if "state=pending" in line)
    assert result.stdout.splitlines()[0] == "pending=1 running=1 submitted=1 retrying=1 failed=1"
    assert len(ids(run("work", "list", "--state", "succeeded").stdout)) == 1


def test_a_bulk_retry_takes_what_its_filter_leaves_and_says_how_many(run: Run, brokered: Shop) -> None:
    found = dead(brokered, 4, reason_class="transport")
    dead(brokered, 2, reason_class="source")
    arguments = ("retry", "--reason-class", "transport", "--since", "1h", "--limit", "3")
    dry = run(*arguments, "--dry-run")
    assert ids(dry.stdout) == found[:3]
    assert dry.stdout.splitlines()[-1] == "Would have retried 3 of 4 works (nothing was changed)"
    assert set(states(brokered).values()) == {State.FAILED}
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (0, "Retried 3 of 4 works\n")
    assert [id for id, state in states(brokered).items() if state is State.PENDING] == found[:3]


def test_a_bulk_cancel_takes_a_class_and_its_dry_run_nothing(run: Run, shop: Shop) -> None:
    bad, others = dead(shop, 3, reason_class="validation"), dead(shop, 1, reason_class="source")
    assert "Would have cancelled 3 of 3 works" in run("cancel", "--reason-class", "validation", "--dry-run").stdout
    told = document(run("cancel", "--reason-class", "validation", "--json"))
    assert (told["matching"], told["ids"], told["done"], told["skipped"]) == (3, bad, bad, {})
    assert states(shop) == {**dict.fromkeys(bad, State.CANCELLED), others[0]: State.FAILED}


@pytest.mark.parametrize("command", ["retry", "cancel"])
def test_many_works_are_changed_only_by_a_filter_or_a_clear_word(run: Run, brokered: Shop, command: str) -> None:
    dead(brokered, 2)
    for arguments in ((), ("Post",), ("--limit", "1"), ("--all", "--since", "1h"), ("--id", "1", "--all")):
        assert run(command, *arguments).exit_code == 64
    assert set(states(brokered).values()) == {State.FAILED}
    assert run(command, "Post", "--all").stdout.endswith("2 of 2 works\n")


def test_what_a_bulk_retry_left_as_it_was_is_said_and_exits_1(run: Run, brokered: Shop) -> None:
    dead(brokered, 1), dead(brokered, 1, uid="forgotten")
    result = run("retry", "--all")
    assert (result.exit_code, result.stdout) == (1, "Retried 1 of 2 works\n")
    assert "no schema here declares the index 'forgotten'" in result.stderr


def test_work_show_says_who_retried_and_cancelled_and_which_celery_tasks_had_it(
    run: Run, brokered: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "anna")
    monkeypatch.setattr("socket.gethostname", lambda: "ops-1")
    id = write(brokered, State.FAILED, task_id="task-2", history=[{"at": 1.0, "state": "retrying", "task": "task-1"}])
    run("retry", "--id", str(id))
    run("cancel", "--state", "pending", "--since", "1h")
    shown = run("work", "show", str(id)).stdout
    assert "celery tasks: task-1, task-2" in shown
    assert re.search(r"history: at=\S+ attempt=0 state=retried from=failed by=anna@ops-1", shown)
    assert re.search(r"history: at=\S+ attempt=0 state=cancelled from=pending by=anna@ops-1", shown)


def test_work_show_says_where_a_projection_raised_and_its_message_only_if_asked(run: Run, shop: Shop) -> None:
    shop.add(1, title="a secret", body="crash")
    shop.search.drain()
    [item] = shop.works()
    place = r"its projection raised ValueError at \S+/tests/shop\.py:\d+ in search_document"
    shown = run("work", "show", str(item.id)).stdout
    assert re.search(place, shown)
    assert "a secret" not in shown
    run("retry", "--id", str(item.id), "--sync-mode", "inline", "--log-exception-text")
    assert re.search(f"{place}: a secret", run("work", "show", str(item.id)).stdout)


def test_a_retry_that_is_waited_for_ends_with_documents_that_were_read_back(run: Run, shop: Shop) -> None:
    shop.add(1, body="unprojectable")
    shop.search.drain()
    [item] = shop.works()
    arguments = ("retry", "--id", str(item.id), "--sync-mode", "inline", "--wait")
    result = run(*arguments)
    assert result.exit_code == 2
    assert "receipt: stage=failed state=failed documents=0/1" in result.stdout
    with shop.Session.begin() as session:
        session.get_one(Post, 1).body = "fine"
    result = run(*arguments)
    assert result.exit_code == 0
    assert "receipt: stage=verified state=succeeded documents=1/1" in result.stdout


def test_a_retry_whose_end_is_not_seen_is_unknown_and_exits_1(run: Run, brokered: Shop) -> None:
    [id] = dead(brokered, 1)
    result = run("retry", "--id", str(id), "--wait", "0", "--json")
    receipt = document(result)["receipt"]
    assert (result.exit_code, receipt["stage"], receipt["state"]) == (1, "unknown", "pending")
    assert "accepted ..." in result.stderr
    assert run("retry", "--since", "1h", "--wait").exit_code == 64


def test_documents_that_differ_after_a_retry_are_not_verified(run: Run, shop: Shop) -> None:
    shop.add(1)
    shop.search.drain()
    [item] = shop.works()
    with shop.Session.begin() as session:
        session.get_one(Post, 1).title = "changed without a call"
    receipt = shop.search.receipt(item.id, seconds=0.0)
    assert (receipt.stage, receipt.reason) == ("unknown", "documents that differ from their records now: 1")


@pytest.mark.parametrize("id", ["9223372036854775808", "9" * 60, "0"])
@pytest.mark.parametrize("command", [("work", "show"), ("retry", "--id"), ("cancel", "--id"), ("failed", "--after")])
def test_an_id_that_no_work_can_have_is_one_line(run: Run, shop: Shop, command: tuple[str, ...], id: str) -> None:
    result = run(*command, id)
    assert (result.exit_code, result.stdout) == (1, "")
    assert re.fullmatch(r"Error: no work with id \d{1,40} in the ledger\n", result.stderr)


def test_the_python_calls_are_what_the_commands_print(run: Run, shop: Shop) -> None:
    found = dead(shop, 3, reason_class="source", error_code="raised")
    page = shop.search.failed(Post, code="raised", limit=2)
    assert ([row.id for row in page.works], page.total, page.next) == ([found[2], found[1]], 3, found[1])
    assert [row.id for row in shop.search.works(states=["failed"], order="oldest").works] == found
    done = shop.search.cancel(ids=[found[0], 4711], by="anna")
    assert (done.done, done.skipped) == ((found[0],), {4711: "no work with id 4711 in the ledger"})
    assert shop.search.work(found[0]).history[-1]["by"] == "anna"
    assert shop.search.retry(Post, all=True, dry_run=True).ids == tuple(found[1:])
    assert shop.search.ledger.read(lambda tx: works.get(tx, found[1])).state is State.FAILED


@pytest.mark.parametrize("wrong", [{"states": ["lost"]}, {"reason_class": "x"}, {"order": "random"}, {"by": "worker"}])
def test_a_word_that_is_none_is_refused_with_those_that_there_are(shop: Shop, wrong: dict[str, Any]) -> None:
    with pytest.raises(WorkError, match=r"is not one of \w+, "):
        shop.search.failed(**wrong)
