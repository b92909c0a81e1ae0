"""The commands of verification and repair: lines, JSON, exit codes, refusals."""

from __future__ import annotations

from functools import partial

import pytest

from scrypath_celery.operator.verify import verify
from scrypath_celery.work import Operation
from tests.integration.cli.conftest import Run, document
from tests.integration.cli.posts import HERE, filled, write_by_hand
from tests.shop import Post, Shop


def test_verify_finds_what_is_missing_stale_and_without_a_record(run: Run, shop: Shop) -> None:
    filled(shop)
    assert run("verify", "Post").exit_code == 0
    write_by_hand(shop, [{"id": 2, "title": "x", "body": ""}, {"id": 9, "title": "y"}], delete=("1",))
    for flags in ((), ("--no-ledger",), ("--sample", "100")):
        result = run("verify", "Post", "--json", *flags)
        found = document(result)
        assert result.exit_code == 2
        assert (found["missing"], found["stale"], found["ghost"]) == (["1"], ["2"], ["9"])
        assert found["fields"] == {"2": ["title"]}
    assert "ghost=1" in run("status", "Post").stdout
    assert document(run("reconcile", "--verify", "--json"))["verified"][0]["counts"]["stale"] == 1


def test_verify_that_cannot_decide_exits_1_and_says_of_which(
    run: Run, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrypath_celery.operator.verify.verify", partial(verify, patience=0.1))
    shop.add(1)  # its work is open, and nobody runs it
    result = run("verify", "Post", "--full")
    assert (result.exit_code, "  undecided 1" in result.stdout) == (1, True)
    assert run("reconcile", "Post", "--verify").exit_code == 1


def test_repair_writes_exactly_what_differs(run: Run, shop: Shop) -> None:
    filled(shop)
    write_by_hand(shop, [{"id": 2, "title": "x"}, {"id": 9, "title": "y"}], delete=("1",))
    before = len(shop.works())
    assert run("reconcile", "Post", "--action", "repair", "--dry-run").exit_code == 0
    assert len(shop.works()) == before
    assert run("reconcile", "Post", "--action", "repair").exit_code == 0
    written = shop.works()[before:]
    assert [(work.operation, work.ids) for work in written] == [
        (Operation.UPSERT, ("1", "2")),
        (Operation.DELETE, ("9",)),
    ]
    shop.search.drain()
    assert run("verify", "Post").exit_code == 0


@pytest.mark.parametrize("action", ["repair", "backfill"])
def test_many_documents_without_a_record_are_deleted_on_request_alone(run: Run, shop: Shop, action: str) -> None:
    filled(shop)
    write_by_hand(shop, [{"id": id, "title": "y"} for id in range(1_000, 1_101)])
    result = run("reconcile", "Post", "--action", action, *HERE)
    shop.search.drain()
    assert (result.exit_code, "--allow-mass-delete" in result.stderr) == (1, True)
    assert len(shop.documents()) == 104
    assert run("reconcile", "Post", "--action", action, "--allow-mass-delete", *HERE).exit_code == 0
    shop.search.drain()
    assert len(shop.documents()) == 3


def test_flags_of_repair_belong_to_repair(run: Run) -> None:
    assert run("reconcile", "--dry-run").exit_code == 64
    assert run("reconcile", "--allow-mass-delete").exit_code == 64


def test_a_verification_says_of_records_without_a_projection_that_no_repair_helps(run: Run, shop: Shop) -> None:
    filled(shop)
    with shop.Session.begin() as session:
        session.add(Post(id=7, title="a title", body="unprojectable"))
    for command, code in ((("verify", "Post"), 2), (("reconcile", "Post", "--action", "repair"), 1)):
        result = run(*command)
        assert (result.exit_code, "To repair it" in result.stdout) == (code, False)
        assert "1 records cannot be projected" in result.stderr
        assert result.stderr.rstrip().endswith("scrypath-celery -A the_shop trace Post 7")
