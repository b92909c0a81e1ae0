"""An engine that was restored, emptied or replaced: found out by proof, noted once, and kept until a rebuild."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from meilisearch import Client

from scrypath_celery.convergence.relay import relay
from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.ledger import claims, indexes, unresolved
from scrypath_celery.operator.recommendations import Signal
from scrypath_celery.testing.engine import EngineUnderTest
from tests.shop import Post, Shop


@pytest.fixture
def engine(scrypath_engine: EngineUnderTest) -> EmbeddedEngine:
    """An engine that a test may restore."""
    if scrypath_engine.embedded is None:
        pytest.skip("a real engine is not restored by a test")
    return scrypath_engine.embedded


def sync(shop: Shop, *ids: int) -> None:
    """Add these posts and have them indexed."""
    shop.add(*ids)
    shop.search.drain()


def others(engine: EmbeddedEngine, count: int) -> None:
    """Tasks of another application."""
    client = Client(engine.url)
    for number in range(count):
        client.wait_for_task(client.index("theirs").add_documents([{"id": number}]).task_uid)


def lost_since(shop: Shop, uid: str = "posts") -> float | None:
    row = shop.search.ledger.read(lambda tx: indexes.get(tx, uid))
    return row.lost_since if row is not None else None


def signals(shop: Shop) -> tuple[Signal, ...]:
    return shop.search.reconcile_sync(Post).indexes[0].signals


def restored(shop: Shop, engine: EmbeddedEngine) -> None:
    """A few documents are settled, then forgotten."""
    sync(shop, 1)
    token = engine.snapshot()
    sync(shop, 2, 3, 4)
    engine.restore(token)


def emptied(shop: Shop, engine: EmbeddedEngine) -> None:
    sync(shop, 1, 2, 3)
    engine.reset()


def replaced(shop: Shop, engine: EmbeddedEngine) -> None:
    """Another engine, whose uids are beyond what the ledger saw of the first."""
    sync(shop, 1, 2, 3)
    engine.reset()
    others(engine, 12)


LOSSES = pytest.mark.parametrize("lose", [restored, emptied, replaced])
SEEN: dict[str, Callable[[Shop], object]] = {
    "a claim": lambda shop: sync(shop, 50),
    "the relay": lambda shop: relay(shop.search.runtime, force=True),
    "reconcile": lambda shop: shop.search.reconcile_sync(Post),
    "status": lambda shop: shop.search.sync_status(Post),
}


@LOSSES
@pytest.mark.parametrize("first", SEEN)
def test_whatever_sees_a_loss_first_notes_it(
    shop: Shop, engine: EmbeddedEngine, lose: Callable[[Shop, EmbeddedEngine], None], first: str
) -> None:
    lose(shop, engine)
    SEEN[first](shop)
    assert lost_since(shop) is not None
    assert Signal.ENGINE_RESTORED in signals(shop)
    assert shop.search.sync_status(Post).indexes[0].engine_lost_since is not None


@LOSSES
def test_a_loss_is_noted_once_and_stays_while_writes_go_on(
    shop: Shop, engine: EmbeddedEngine, lose: Callable[[Shop, EmbeddedEngine], None]
) -> None:
    lose(shop, engine)
    relay(shop.search.runtime, force=True)
    noted = lost_since(shop)
    for id in range(60, 66):
        sync(shop, id)
        relay(shop.search.runtime, force=True)
    assert noted is not None
    assert lost_since(shop) == noted
    assert Signal.ENGINE_RESTORED in signals(shop)


@LOSSES
@pytest.mark.parametrize("repair", ["backfill", "reindex"])
def test_a_repair_of_the_index_ends_the_note_for_good(
    shop: Shop, engine: EmbeddedEngine, lose: Callable[[Shop, EmbeddedEngine], None], repair: str
) -> None:
    lose(shop, engine)
    relay(shop.search.runtime, force=True)
    getattr(shop.search, repair)(Post, sync_mode="inline")
    shop.search.drain()
    assert shop.documents() == shop.records()
    for _ in range(2):
        relay(shop.search.runtime, force=True)
        assert lost_since(shop) is None
        assert Signal.ENGINE_RESTORED not in signals(shop)


def test_a_repair_of_one_index_leaves_the_note_of_another(shop: Shop, engine: EmbeddedEngine) -> None:
    shop.search.ledger.run(lambda tx: indexes.ensure(tx, "another"))
    emptied(shop, engine)
    relay(shop.search.runtime, force=True)
    shop.search.backfill(Post, sync_mode="inline")
    assert lost_since(shop) is None
    assert lost_since(shop, "another") is not None


def test_a_second_loss_is_noted_after_the_first_was_repaired(shop: Shop, engine: EmbeddedEngine) -> None:
    emptied(shop, engine)
    relay(shop.search.runtime, force=True)
    shop.search.backfill(Post, sync_mode="inline")
    engine.reset()
    relay(shop.search.runtime, force=True)
    assert lost_since(shop) is not None


@pytest.mark.parametrize("away", ["deleted tasks", "nothing sent", "an engine that does not answer", "others' tasks"])
def test_what_proves_nothing_is_not_taken_for_a_loss(shop: Shop, engine: EmbeddedEngine, away: str) -> None:
    if away != "nothing sent":
        sync(shop, 1, 2)
    if away == "deleted tasks":
        client = Client(engine.url)
        client.wait_for_task(client.delete_tasks({"statuses": "succeeded"}).task_uid)
    elif away == "others' tasks":
        others(engine, 3)
    options: dict[str, Any] = {"meilisearch_url": "http://127.0.0.1:1"} if "answer" in away else {}
    with shop.search.override(**options):
        relay(shop.search.runtime, force=True)
        shop.search.reconcile_sync(Post)
    assert lost_since(shop) is None


@LOSSES
def test_a_request_that_lands_in_the_new_engine_is_found(
    shop: Shop, engine: EmbeddedEngine, lose: Callable[[Shop, EmbeddedEngine], None]
) -> None:
    sync(shop, 90)
    with shop.Session.begin() as session:
        shop.search.sync_record(session.get(Post, 90), session=session)
    held = shop.search.ledger.run(lambda tx: claims.take(tx, "posts", documents=10, lease=60.0, worker="gone:1:1"))
    assert held is not None
    others(engine, 20)
    # Its request was given up; the ledger watches from a uid of the old engine's list on.
    seen = Client(engine.url).get_tasks({"limit": 1}).results[0].uid
    shop.search.ledger.run(lambda tx: unresolved.mark(tx, held.token, seen_uid=seen, watch=60.0))
    lose(shop, engine)
    relay(shop.search.runtime, force=True)
    before = len(shop.works())
    stale = orjson.dumps([{"id": "90", "title": "stale"}])
    shop.search.runtime.engine.add("posts", stale, key="id", token=f"scrypath:{held.token}:1")
    relay(shop.search.runtime, force=True)
    assert len(shop.works()) == before + 1
