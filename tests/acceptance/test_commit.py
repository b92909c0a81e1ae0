"""A commit and its work, whatever becomes of the transaction, the broker and the process."""

from __future__ import annotations

import asyncio
import signal
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.deadline import eventually
from tests.processes import environment, run
from tests.services.process import ServerProcess
from tests.services.rabbitmq import RabbitMQServer
from tests.services.redis import RedisServer
from tests.shop import Post, Shop
from tests.worker import Worker

_PATIENCE = 60.0
"""How long (seconds) the publisher may wait for the broker: a commit that waited with it would take as long."""
_BLOCKED = 15.0
"""A commit that takes longer (seconds) has waited for something."""
_RELAY = {"publish_grace": 1.0, "relay_period": 1.0}


def test_a_rolled_back_transaction_or_savepoint_leaves_no_work_and_no_document(
    database_url: str, open_shop: Callable[..., Shop]
) -> None:
    shop = open_shop(broker="memory://", database=database_url)
    with shop.Session() as session:
        never = Post(id=1, title="never")
        session.add(never)
        shop.search.sync_record(never, session=session)
        session.flush()
        session.rollback()
    assert shop.works() == []

    with shop.Session.begin() as session:
        kept = Post(id=2, title="kept")
        session.add(kept)
        shop.search.sync_record(kept, session=session)
        savepoint = session.begin_nested()
        lost = Post(id=3, title="lost")
        session.add(lost)
        shop.search.sync_record(lost, session=session)
        session.flush()
        savepoint.rollback()
    assert [work.ids for work in shop.works()] == [("2",)]
    shop.search.drain()
    assert shop.documents() == {2: "kept"}


def _refuse(server: ServerProcess) -> Callable[[], Any]:
    server.kill()
    return server.start


def _freeze(server: ServerProcess) -> Callable[[], Any]:
    server.freeze()
    return server.thaw


@pytest.mark.chaos
@pytest.mark.parametrize("strike", [_refuse, _freeze], ids=["refused", "frozen"])
def test_a_commit_costs_the_same_while_redis_is_away_and_its_work_is_done_later(
    strike: Callable[[ServerProcess], Callable[[], Any]],
    redis_server: Callable[[], RedisServer],
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    server = redis_server()
    shop = open_shop(broker=server.url, database=sqlite_url, options={**_RELAY, "broker_seconds": _PATIENCE})
    _outlive(shop, server, strike, start_shop_worker)


@pytest.mark.chaos
def test_a_commit_costs_the_same_while_rabbitmq_is_frozen_and_its_work_is_done_later(
    rabbitmq_server: RabbitMQServer,
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    options = {**_RELAY, "broker_seconds": _PATIENCE}
    shop = open_shop(broker=rabbitmq_server.url, database=sqlite_url, options=options)
    _outlive(shop, rabbitmq_server, _freeze, start_shop_worker)


def _outlive(
    shop: Shop,
    server: ServerProcess,
    strike: Callable[[ServerProcess], Callable[[], Any]],
    start_shop_worker: Callable[..., Worker],
) -> None:
    shop.add(0)
    up = [_timed(partial(shop.add, id)) for id in range(1, 16)]
    lift = strike(server)
    away = [_timed(partial(shop.add, id)) for id in range(16, 31)]
    longest_tick = asyncio.run(_write_beside_a_ticker(shop, range(31, 36)))
    lift()

    assert max(away) < _BLOCKED
    assert longest_tick < _BLOCKED
    # The floor keeps a machine that is busy with other things out of the comparison.
    assert statistics.median(away) < max(5 * statistics.median(up), 0.5)
    start_shop_worker(shop)
    eventually(shop.in_step, what="what was committed meanwhile is searchable")
    assert len(shop.documents()) == 36


def _timed(act: Callable[[], None]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


async def _write_beside_a_ticker(shop: Shop, ids: range) -> float:
    """Commit posts in an event loop; the longest time (seconds) for which a coroutine beside it was held up."""
    gaps, over = [0.0], asyncio.Event()

    async def tick() -> None:
        last = time.perf_counter()
        while not over.is_set():
            await asyncio.sleep(0.001)
            gaps.append(time.perf_counter() - last)
            last = time.perf_counter()

    ticker = asyncio.create_task(tick())
    engine = shop.async_engine()
    for id in ids:
        async with AsyncSession(engine) as session, session.begin():
            post = Post(id=id, title="from a loop")
            session.add(post)
            shop.search.sync_record(post, session=session)
    over.set()
    await ticker
    await engine.dispose()
    return max(gaps)


_ENDS = {
    "ended": "",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.chaos
@pytest.mark.parametrize("end", _ENDS)
def test_the_work_of_a_process_that_is_gone_right_after_its_commit_is_done(
    end: str,
    redis_url: str,
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    shop = open_shop(broker=redis_url, database=sqlite_url, options=_RELAY)
    start_shop_worker(shop)
    code = f"from tests.shop_app import shop\nshop.add(1, 2, 3)\n{_ENDS[end]}"
    env = environment(shop.setup.env())
    done = run([sys.executable, "-c", code], env=env)
    assert done.returncode == (-signal.SIGKILL if end == "killed" else 0), done.stderr
    eventually(shop.in_step, what="its work is searchable")
    assert len(shop.documents()) == 3
