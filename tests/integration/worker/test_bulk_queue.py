"""Backfills and rebuilds with a Celery queue of their own: their messages go there, and only its tasks take them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from scrypath_celery.cli.status import broker_lines
from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.convergence.relay import publish
from scrypath_celery.ledger import works
from scrypath_celery.operator.broker import AnsweringWorker, Broker
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import Cause, Mode, Operation, State
from scrypath_celery.worker.tasks import _is_bulk, _queue
from tests.shop import Post, Setup, Shop

BULK = "search_bulk"


def opened(tmp_path: Path, url: str, broker: str, **options: Any) -> Shop:
    database = f"sqlite:///{tmp_path / 'shop.db'}"
    return Shop(Setup(broker=broker, database=database, meilisearch_url=url, options=options)).create()


@pytest.fixture
def shop(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Shop]:
    """A shop whose backfills and rebuilds have a queue of their own."""
    key = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    made = opened(tmp_path, scrypath_engine.url, "memory://", bulk_queue=BULK, **key)
    yield made
    made.close()


def test_messages_of_a_rebuild_go_to_the_queue_of_rebuilds(
    tmp_path: Path, redis_url: str, scrypath_engine: EngineUnderTest
) -> None:
    shop = opened(tmp_path, scrypath_engine.url, redis_url, bulk_queue=BULK)
    runtime = shop.search.runtime
    runtime.publish("posts", (1, 2), cause=Cause.BACKFILL)
    runtime.publish("posts", (3,), cause=Cause.SYNC)
    assert shop.search._publisher.flush(20)
    with redis.Redis.from_url(redis_url) as client:
        found = {queue: client.lrange(queue, 0, -1) for queue in ("search_sync", BULK)}
    assert {queue: len(messages) for queue, messages in found.items()} == {"search_sync": 1, BULK: 1}
    assert json.loads(found[BULK][0])["headers"]["argsrepr"] == "Post: works 1-2"
    shop.close()


def both(shop: Shop) -> dict[Operation, int]:
    """A change of a record and a work of a backfill; their ids."""
    with shop.Session.begin() as session:
        session.add_all([Post(id=1, title="one"), Post(id=2, title="two")])
    pairs = {Operation.UPSERT: "1", Operation.BACKFILL: "2"}

    def write(tx: Any) -> dict[Operation, int]:
        return {
            one: works.write(tx, "posts", one, [id], Mode.CELERY, publish_after=0.0)[0] for one, id in pairs.items()
        }

    return shop.search.ledger.run(write)


@pytest.mark.parametrize(("bulk", "taken"), [(True, {2}), (False, {1}), (None, {1, 2})])
def test_a_run_takes_what_is_its_own(shop: Shop, bulk: bool | None, taken: set[int]) -> None:
    both(shop)
    run_ready_works(shop.search.runtime, "posts", seconds=10, bulk=bulk, follow=True)
    assert shop.documents().keys() == taken


def test_the_relay_publishes_each_work_to_its_queue(shop: Shop) -> None:
    ids = both(shop)
    seen: dict[Cause, tuple[int, ...]] = {}

    def note(index: str, ids: tuple[int, ...], *, cause: Cause = Cause.SYNC, documents: int | None = None) -> None:
        seen[cause] = ids

    runtime = replace(shop.search.runtime, publish=note)
    assert publish(runtime) == 2
    assert seen == {Cause.SYNC: (ids[Operation.UPSERT],), Cause.BACKFILL: (ids[Operation.BACKFILL],)}


@pytest.mark.parametrize(("queue", "bulk"), [(BULK, True), ("search_sync", False), ("another", False), (None, False)])
def test_a_task_knows_by_its_queue_what_it_may_take(shop: Shop, queue: str | None, bulk: bool) -> None:
    task: Any = SimpleNamespace(request=SimpleNamespace(delivery_info={"routing_key": queue}))
    assert _is_bulk(task, shop.search.runtime) is bulk
    assert _queue(task, shop.search.runtime) == (BULK if bulk else "search_sync")


def test_without_a_queue_of_their_own_every_task_takes_everything(
    tmp_path: Path, scrypath_engine: EngineUnderTest
) -> None:
    shop = opened(tmp_path, scrypath_engine.url, "memory://")
    task: Any = SimpleNamespace(request=SimpleNamespace(delivery_info=None))
    assert _is_bulk(task, shop.search.runtime) is None
    shop.close()


def test_status_shows_both_queues_and_warns_where_nobody_consumes_one() -> None:
    worker = AnsweringWorker(name="ours", queues=("search_sync",), declares=("posts",))
    broker = Broker(url="redis://", queue="search_sync", depth=0, bulk_queue=BULK, bulk_depth=3, workers=(worker,))
    lines = broker_lines(broker)
    assert "broker: bulk_queue=search_bulk depth=3" in lines
    assert lines[-1] == "warning: no worker that answered consumes the queue search_bulk: backfills and rebuilds wait"
    able = replace(worker, queues=("search_bulk", "search_sync"))
    assert not any("warning" in line for line in broker_lines(replace(broker, workers=(able,))))


def test_an_inline_rebuild_runs_whatever_the_queue(shop: Shop) -> None:
    shop.add(1, 2, 3)
    shop.search.drain()
    assert shop.search.reindex(Post, sync_mode="inline").cut_over
    assert shop.in_step()
    assert {work.state for work in shop.works()} == {State.SUCCEEDED}
