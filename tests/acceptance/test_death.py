"""Workers killed and brokers lost in the middle of work."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import kombu
import pytest

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.work import State
from tests.deadline import eventually
from tests.services.redis import RedisServer
from tests.shop import Shop
from tests.worker import Worker, alive

pytestmark = pytest.mark.chaos

_OPTIONS = {"lease": 4.0, "relay_period": 1.0, "publish_grace": 1.0, "await_seconds": 60.0}


@pytest.fixture
def engine() -> Iterator[EmbeddedEngine]:
    """An engine of the test's own, to be frozen: a claim then waits for it as long as the test likes."""
    with EmbeddedEngine() as engine:
        yield engine


def test_the_work_of_a_killed_pool_process_is_done(
    engine: EmbeddedEngine,
    redis_url: str,
    postgresql_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    shop = open_shop(broker=redis_url, database=postgresql_url, meilisearch_url=engine.url, options=_OPTIONS)
    worker = start_shop_worker(shop)
    holder = _hold(shop, engine)
    assert holder in worker.children()
    os.kill(holder, signal.SIGKILL)
    eventually(lambda: not alive(holder), what="the process is gone")
    engine.thaw()
    eventually(shop.in_step, what="its work is done by another one")
    assert worker.running


def test_the_work_of_a_killed_worker_is_done_by_the_next(
    engine: EmbeddedEngine,
    redis_url: str,
    postgresql_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    shop = open_shop(broker=redis_url, database=postgresql_url, meilisearch_url=engine.url, options=_OPTIONS)
    worker = start_shop_worker(shop)
    _hold(shop, engine)
    worker.kill()
    engine.thaw()
    worker.start()
    eventually(shop.in_step, what="its work is done after the lease")


def test_a_worker_outlives_a_redis_that_is_lost_in_the_middle_of_work(
    engine: EmbeddedEngine,
    redis_server: Callable[[], RedisServer],
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    server = redis_server()
    shop = open_shop(broker=server.url, database=sqlite_url, meilisearch_url=engine.url, options=_OPTIONS)
    worker = start_shop_worker(shop)
    _hold(shop, engine)
    server.kill()
    eventually(lambda: "Trying to re-establish the connection" in worker.output(), what="the worker noticed")
    server.start()
    engine.thaw()
    shop.add(10)
    eventually(shop.in_step, what="what came before and after is searchable")
    assert worker.running


@pytest.mark.skipif(kombu.__version__ != "5.7.0", reason="the fix is for one release of kombu")
def test_without_its_fix_the_worker_dies_with_redis(
    engine: EmbeddedEngine,
    redis_server: Callable[[], RedisServer],
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_worker: Callable[..., Worker],
) -> None:
    server = redis_server()
    shop = open_shop(broker=server.url, database=sqlite_url, meilisearch_url=engine.url, options=_OPTIONS)
    worker = start_worker("tests.shop_unfixed", env=shop.setup.env())
    _hold(shop, engine)
    server.kill()
    engine.thaw()
    assert worker.wait() == 1
    assert "Unrecoverable error: AttributeError" in worker.output()


def _hold(shop: Shop, engine: EmbeddedEngine) -> int:
    """Let a worker claim some work and wait for the engine; the id of the process that does."""
    shop.add(1)
    eventually(shop.in_step, what="the index is there")
    engine.freeze()
    shop.add(2, 3, 4)

    def holder() -> str | None:
        return next((work.worker for work in shop.works() if work.state is State.RUNNING), None)

    name = eventually(holder, what="a process holds the work")
    return int(str(name).split(":")[1])
