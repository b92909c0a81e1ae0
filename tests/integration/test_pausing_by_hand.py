"""An index that an operator paused: nothing of it is tried, writes are captured, and nothing but a resume ends it."""

from __future__ import annotations

import pytest

from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.convergence.relay import relay
from scrypath_celery.errors import IndexMissingPaused, IndexPaused, WorkError
from scrypath_celery.ledger import indexes, maintenance
from scrypath_celery.work import Failure, ReasonClass, State
from tests.integration.operator.conftest import shop
from tests.shop import Post, Shop

__all__ = ["shop"]


def test_writes_are_captured_and_wait_until_it_is_resumed(shop: Shop) -> None:
    shop.search.pause(Post, reason="moving the engine", by="ann@desk")
    shop.add(1, 2)
    shop.search.drain()
    assert {work.state for work in shop.works()} == {State.PENDING}
    assert shop.documents() == {}
    assert shop.search.resume(Post).resumed
    shop.search.drain()
    assert shop.in_step()


def test_the_caller_of_an_inline_write_keeps_off_it_too(shop: Shop) -> None:
    shop.search.pause(Post, reason="moving")
    with shop.Session.begin() as session:
        post = Post(id=1, title="one")
        session.add(post)
        shop.search.sync_record(post, session=session, sync_mode="inline")
    assert [work.state for work in shop.works()] == [State.PENDING]


def test_the_relay_hands_none_of_its_works_to_celery(shop: Shop) -> None:
    shop.add(1)
    due = shop.search.ledger.run
    shop.search.pause(Post, reason="moving")
    assert due(lambda tx: maintenance.due(tx, again=0.0)) == {}
    shop.search.resume(Post)
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE scrypath_work SET publish_after = 0")
    assert list(due(lambda tx: maintenance.due(tx, again=0.0))) == ["posts"]


def test_a_probe_ends_the_pause_of_an_outage_and_not_the_one_by_hand(shop: Shop) -> None:
    failure = Failure(reason_class=ReasonClass.TRANSPORT, reason="unreachable")
    shop.search.ledger.run(lambda tx: indexes.pause_by_hand(tx, "posts", by="ann", reason="moving"))
    shop.search.ledger.run(lambda tx: indexes.pause(tx, "posts", failure, -1.0))
    shop.add(1)
    relay(shop.search.runtime, force=True)
    assert run_ready_works(shop.search.runtime, "posts", seconds=5.0).claims == 0
    shop.search.ledger.run(lambda tx: indexes.resume(tx, "posts"))
    row = shop.search.ledger.read(lambda tx: indexes.get(tx, "posts"))
    assert row is not None
    assert (row.pause, row.pause_by_hand is not None) == (None, True)
    assert shop.documents() == {}


def test_to_pause_again_changes_the_reason_and_not_since_when(shop: Shop) -> None:
    first = shop.search.pause(Post, reason="moving", by="ann")
    second = shop.search.pause(Post, reason="still moving", by="bob")
    assert (second.since, second.by, second.reason) == (first.since, "bob", "still moving")


def test_a_pause_needs_a_reason(shop: Shop) -> None:
    with pytest.raises(WorkError, match="reason"):
        shop.search.pause(Post, reason=" ")


def test_a_rebuild_of_it_is_refused_by_name(shop: Shop) -> None:
    shop.search.pause(Post, reason="moving", by="ann@desk")
    with pytest.raises(IndexPaused, match=r"paused by ann@desk \(moving\).*resume Post"):
        shop.search.reindex(Post, sync_mode="inline")
    shop.search.resume(Post)
    assert shop.search.reindex(Post, sync_mode="inline").cut_over


def test_a_search_of_an_index_that_is_not_there_says_that_it_is_paused(shop: Shop) -> None:
    shop.search.pause(Post, reason="moving the engine")
    with pytest.raises(IndexMissingPaused, match="moving the engine"), shop.Session() as session:
        shop.search.search(Post, "hello", session=session)


def test_capture_disabled_records_nothing_and_is_no_pause(shop: Shop) -> None:
    with shop.search.capture_disabled():
        shop.add(1)
    assert shop.works() == []
    [index] = shop.search.sync_status(Post).indexes
    assert (index.pause, index.pause_by_hand) == (None, None)
