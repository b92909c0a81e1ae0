"""The commands: their lines, their JSON and their exit codes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scrypath_celery.ledger import tables, transitions, works
from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.work import State
from tests.integration.cli.conftest import Run, document
from tests.integration.operator.conftest import write
from tests.shop import Post, Shop

AWAY = ("--meilisearch-url", "http://127.0.0.1:1")


@pytest.fixture
def brokered(shop: Shop, scrypath_broker: FakeBroker) -> Shop:
    """The shop, with a broker that answers."""
    shop.app.conf.broker_url = scrypath_broker.url
    return shop


def test_status_shows_each_part_and_exits_0_where_all_was_readable(run: Run, brokered: Shop) -> None:
    result = run("status")
    assert result.exit_code == 0
    assert re.search(r"^schema=Post index=\S*posts mode=celery$", result.stdout, re.M)
    assert "engine: pending=0 failed=0" in result.stdout
    assert "queue: pending=0 running=0 submitted=0 retrying=0 failed=0" in result.stdout
    assert "broker: queue=search_sync depth=0" in result.stdout
    assert "no worker that answered consumes the queue search_sync" in result.stdout


def test_status_names_a_broker_that_is_away_without_its_password(run: Run, shop: Shop) -> None:
    shop.app.conf.broker_url = "redis://:secret@127.0.0.1:1/0"
    result = run("status")
    assert result.exit_code == 1
    assert "broker: unknown" in result.stdout
    assert "engine: pending=0" in result.stdout
    assert "secret" not in result.output


def test_status_names_an_engine_that_is_away(run: Run, brokered: Shop) -> None:
    result = run("status", *AWAY)
    assert result.exit_code == 1
    assert "engine: unknown (Meilisearch at http://127.0.0.1:1 cannot be reached)" in result.stdout


def test_status_in_json_is_one_document_with_what_is_unknown(run: Run, brokered: Shop) -> None:
    found = document(run("status", "--json", *AWAY))
    assert found["command"] == "status"
    assert len(found["unknown"]) == 1
    assert found["indexes"][0]["queue"]["pending"] == 0


def test_failed_prints_the_rollup_and_one_stable_line_a_row(run: Run, shop: Shop) -> None:
    values: dict[str, Any] = {"reason_class": "validation", "reason": "Post 1: bad", "error_code": "bad_code"}
    id = write(shop, State.FAILED, attempts=2, finished_at=2e9, engine_uids=[7], **values)
    result = run("failed")
    assert result.exit_code == 0
    row = f"id={id} time=2033-05-18T03:33:20.000Z schema=Post state=failed operation=upsert mode=celery source=engine"
    row += " reason_class=validation error_code=bad_code retryable=true attempts=2/8 documents=1"
    row += " last_attempt=none reason=Post 1: bad"
    total = "1 of 1 failed works shown"
    assert result.stdout.splitlines() == ["Failed work by class:", "  validation: failed=1 retrying=0", row, total]
    assert run("failed", "--no-class-summary").stdout.startswith(f"id={id} ")


def test_failed_in_json_says_more_of_each_row(run: Run, shop: Shop) -> None:
    id = write(shop, State.FAILED, reason_class="source")
    [row] = document(run("failed", "Post", "--json"))["works"]
    assert (row["id"], row["schema"], row["document_ids"], row["source"]) == (id, "Post", ["1"], "queue")


def test_retry_says_what_became_of_the_work(run: Run, brokered: Shop) -> None:
    id = write(brokered, State.FAILED)
    result = run("retry", "--id", str(id), "Post")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"Retried failed work {id}", f"status=pending mode=celery reference={id}"]
    again = run("retry", "--id", str(id))
    assert again.exit_code == 1
    assert again.stderr.splitlines() == [f"Error: work {id} cannot be retried: it is pending"]


def test_a_retry_holds_while_the_broker_is_away_and_says_so(run: Run, shop: Shop) -> None:
    id = write(shop, State.FAILED)
    result = run("retry", "--id", str(id))
    assert result.exit_code == 0
    assert "stays pending in the ledger" in result.stderr
    assert "secret" not in result.output
    assert shop.search.ledger.run(lambda tx: works.get(tx, id)).state is State.PENDING


def test_retry_inline_runs_here(run: Run, shop: Shop) -> None:
    shop.add(1)
    [work] = shop.works()
    shop.search.ledger.run(lambda tx: transitions.move_one(tx, work.id, State.CANCELLED))
    result = run("retry", "--id", str(work.id), "--sync-mode", "inline", "--json")
    assert (result.exit_code, document(result)["status"]) == (0, "succeeded")


@pytest.mark.parametrize("arguments", [(), ("--id", "1", "--since", "2h"), ("--dry-run",), ("--since", "soon")])
def test_a_retry_without_a_clear_scope_is_a_wrong_command_line(run: Run, arguments: tuple[str, ...]) -> None:
    assert run("retry", *arguments).exit_code == 64


def test_a_dry_run_of_a_bulk_retry_changes_nothing(run: Run, shop: Shop) -> None:
    now = write(shop, State.FAILED, reason_class="transport", finished_at=4e9)
    result = run("retry", "--reason-class", "transport", "--since", "2h", "--dry-run")
    assert result.stdout.splitlines() == [f"id={now}", "Would have retried 1 of 1 works (nothing was changed)"]
    assert shop.works()[0].state is State.FAILED


def test_reconcile_exits_2_where_failed_work_is_found_and_names_the_command(run: Run, shop: Shop) -> None:
    id = write(shop, State.FAILED, reason_class="validation")
    result = run("reconcile")
    assert result.exit_code == 2
    assert "signals: failed_sync_work" in result.stdout
    assert f"scrypath-celery -A the_shop retry --id {id} Post" in result.stdout


def test_reconcile_exits_0_where_nothing_differs_and_1_where_something_is_unknown(run: Run, shop: Shop) -> None:
    assert run("reconcile").exit_code == 0
    assert run("reconcile", *AWAY).exit_code == 1


@pytest.mark.parametrize("action", ["backfill", "reindex"])
def test_reconcile_acts_when_it_is_asked_to(run: Run, shop: Shop, action: str) -> None:
    with shop.Session.begin() as session:
        session.add(Post(id=1, title="unseen"))
    assert run("reconcile").exit_code == 2
    assert run("reconcile", "--action", action, "--sync-mode", "inline").exit_code == 0
    assert run("reconcile").exit_code == 0
    assert shop.documents() == shop.records()


def test_reconcile_can_retry_by_id_alone(run: Run, brokered: Shop) -> None:
    id = write(brokered, State.FAILED)
    assert run("reconcile", "--action", "retry").exit_code == 64
    assert run("reconcile", "--action", "retry", "--id", str(id)).exit_code == 0
    assert brokered.works()[0].state is State.PENDING


def test_a_flag_that_workers_would_not_see_is_refused_with_an_action_that_they_run(run: Run, shop: Shop) -> None:
    result = run("reconcile", "--action", "reindex", *AWAY)
    assert result.exit_code == 1
    assert "--meilisearch-url cannot be given" in result.stderr
    assert run("retry", "--id", "1", "--index-prefix", "other").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("retry", "--id", "4711"), "no work with id 4711"),
        (("status", "Pst"), "did you mean 'Post'"),
        (("failed", "Pst"), "did you mean 'Post'"),
        (("work", "show", "4711"), "no work with id 4711"),
        (("cancel", "--id", "4711"), "no work with id 4711"),
    ],
)
def test_what_is_not_there_gives_one_line_and_exit_code_1(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert len(result.stderr.splitlines()) == 1
    assert said in result.stderr
    error = document(run(*arguments, "--json"))["error"]
    assert said in error["message"]


@pytest.mark.parametrize("arguments", [("failed",), ("retry", "--id", "1"), ("work", "show", "1")])
def test_a_ledger_that_is_missing_gives_one_line_with_the_remedy(
    run: Run, shop: Shop, arguments: tuple[str, ...]
) -> None:
    with shop.engine.begin() as connection:
        tables.metadata.drop_all(connection)
    with shop.search.override(meilisearch_url=shop.setup.meilisearch_url):
        result = run(*arguments)
        assert result.exit_code == 1
        assert "`scrypath-celery -A the_shop ledger upgrade`" in result.stderr
        assert run("ledger", "check").exit_code == 1
        assert run("ledger", "upgrade").exit_code == 0
        assert run("ledger", "check").exit_code == 0


def test_cancel_work_and_trace_tell_of_one_work(run: Run, shop: Shop) -> None:
    id = write(shop, State.FAILED, reason_class="source", reason="it hung")
    assert "reason_class=source" in run("work", "show", str(id)).stdout
    assert run("cancel", "--id", str(id)).stdout == f"Cancelled work {id} (it was failed)\n"
    traced = run("trace", "Post", "1")
    assert (traced.exit_code, "agree=yes" in traced.stdout) == (0, True)
    assert f"work: id={id} operation=upsert state=cancelled" in traced.stdout


@pytest.mark.parametrize(
    "command", ["status", "failed", "retry", "cancel", "reconcile", "trace", "engine", "dev", "demo"]
)
def test_every_command_has_help(run: Run, command: str) -> None:
    assert run(command, "--help").exit_code == 0
