"""The commands of rebuilds: what they say, their exit codes, and what they refuse."""

from __future__ import annotations

import pytest

from tests.integration.cli.conftest import Run, document
from tests.shop import Post, Shop

INLINE = ("--sync-mode", "inline")


def records(shop: Shop, *ids: int, body: str = "") -> None:
    with shop.Session.begin() as session:
        session.add_all(Post(id=id, title="a title", body=body) for id in ids)


def test_a_backfill_says_what_it_did(run: Run, shop: Shop) -> None:
    records(shop, 1, 2)
    result = run("backfill", *INLINE)
    assert result.exit_code == 0
    assert "documents=2 orphans=0 failed=0" in result.stdout
    assert "fill: " in result.stderr
    assert shop.documents() == shop.records()


def test_a_backfill_removes_documents_without_a_record(run: Run, shop: Shop) -> None:
    records(shop, 1, 2, 3)
    run("backfill", *INLINE)
    with shop.Session.begin() as session:
        session.delete(session.get_one(Post, 2))
    result = run("backfill", "--json", *INLINE)
    assert document(result)["orphans"] == 1
    assert shop.documents() == shop.records()


@pytest.mark.parametrize(
    "chosen",
    [("--ids", "2,3"), ("--where", "title=chosen"), ("--since", "id=2"), ("--since", "id=2", "--where", "body=")],
)
def test_a_backfill_of_a_part_says_so_and_leaves_orphans_alone(run: Run, shop: Shop, chosen: tuple[str, ...]) -> None:
    records(shop, 1)
    with shop.Session.begin() as session:
        session.add_all(Post(id=id, title="chosen") for id in (2, 3))
    result = run("backfill", *chosen, *INLINE)
    assert result.exit_code == 0
    assert "Only a part" in result.stdout
    assert set(shop.documents()) == {2, 3}


@pytest.mark.parametrize("wrong", ["--where=nothing=1", "--where=id=x", "--where=id", "--since=search_document=1"])
def test_a_part_that_cannot_be_chosen_gives_one_line(run: Run, shop: Shop, wrong: str) -> None:
    result = run("backfill", wrong, *INLINE)
    assert result.exit_code in (1, 64)
    assert result.stderr.splitlines()[-1].startswith("Error: ")


def test_a_dry_run_changes_nothing(run: Run, shop: Shop) -> None:
    records(shop, 1)
    assert "records=1" in run("backfill", "--dry-run").stdout
    assert document(run("reindex", "--dry-run", "--json"))["records"] == 1
    assert run("reconcile", "--action", "reindex", "--dry-run").exit_code == 0
    assert shop.search.rebuilds() == ()


def test_a_reindex_stops_before_the_swap_and_says_how_to_go_on(run: Run, shop: Shop) -> None:
    records(shop, 1)
    first = run("reindex", "--no-cutover", *INLINE)
    assert first.exit_code == 0
    assert "scrypath-celery -A the_shop reindex Post" in first.stdout
    assert "rebuild: id=1 operation=reindex phase=cut_over" in run("status").stdout
    assert run("reindex", *INLINE).stdout.startswith("Rebuilt")
    assert shop.documents() == shop.records()


def test_what_stands_against_the_swap_is_named_and_ends_with_1(run: Run, shop: Shop) -> None:
    records(shop, 1)
    records(shop, 2, body="unprojectable")
    result = run("reindex", *INLINE)
    assert result.exit_code == 1
    assert "blocked_by=failed_works" in result.stdout
    assert "failed Post" in result.stdout
    assert "blocked_by=failed_works" in run("status").stdout
    again = document(run("reindex", "--json", *INLINE))
    assert list(again["blocked_by"]) == ["failed_works"]
    assert run("reindex", "--abort").exit_code == 0
    assert run("reindex", "--abort").exit_code == 1
    assert run("reindex", "--allow-failed", "1", *INLINE).stdout.startswith("Rebuilt")


def test_old_content_is_kept_gone_back_to_and_dropped(run: Run, shop: Shop) -> None:
    records(shop, 1)
    run("reindex", *INLINE)
    kept = run("reindex", "--keep-old", "600", *INLINE).stdout
    assert "to go back: scrypath-celery -A the_shop reindex Post --rollback\n" in kept
    assert run("reindex", *INLINE).exit_code == 1
    assert run("reindex", "--rollback", *INLINE).exit_code == 0
    run("reindex", "--keep-old", "600", *INLINE)
    assert run("reindex", "--drop-old").exit_code == 0
    assert run("reindex", "--drop-old").exit_code == 1
    shop.search.drain()
    assert shop.documents() == shop.records()


def test_a_detached_rebuild_is_left_to_the_workers(run: Run, shop: Shop) -> None:
    records(shop, 1)
    result = run("reindex", "--detach")
    assert result.exit_code == 0
    assert "left to the workers" in result.stdout
    assert run("backfill", "--detach").exit_code == 1
    assert run("reindex", "--detach", *INLINE).exit_code == 64


@pytest.mark.parametrize(
    "arguments",
    [("--abort", "--rollback"), ("--drop-old", "--dry-run"), ("--abort", "--no-cutover"), ("--rollback", "--dry-run")],
)
def test_what_is_done_to_a_rebuild_takes_nothing_that_it_would_not_heed(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("reindex", "Post", *arguments)
    assert (result.exit_code, result.stdout) == (64, "")
