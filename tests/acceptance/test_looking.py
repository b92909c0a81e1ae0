"""An operator looks while workers, ledger and broker stand still."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from scrypath_celery.ledger import workers
from tests.deadline import eventually
from tests.processes import OURS, environment, run
from tests.services.redis import RedisServer
from tests.shop import Shop
from tests.worker import Worker

pytestmark = pytest.mark.chaos

TIMEOUT = 12.0
STARTING = 15.0
"""Seconds that a fresh interpreter may take to import the application on a busy machine; --timeout begins after it."""


def look(shop: Shop, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the document of `status`, which ends in time."""
    command = [*OURS, "-A", "tests.shop_app", "status", "--json", "--timeout", str(TIMEOUT), *arguments]
    began = time.monotonic()
    done = run(command, env=environment(shop.setup.env()), timeout=120)
    assert time.monotonic() - began < TIMEOUT + STARTING
    return done.returncode, json.loads(done.stdout)


def ping(shop: Shop, names: list[str]) -> set[str]:
    """Those of these workers whose event loop answers within a second."""
    return {name for one in shop.app.control.ping(destination=names, timeout=1.0) for name in one}


@pytest.mark.timeout(300)
def test_a_status_tells_in_time_who_answers_and_who_does_not(
    redis_server: Callable[[], RedisServer],
    postgresql_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    broker = redis_server()
    shop = open_shop(broker=broker.url, database=postgresql_url, options={"relay_period": 1.0, "broker_seconds": 4.0})
    started = [start_shop_worker(shop, concurrency=1) for _ in range(3)]
    *awake, frozen = [f"{worker.name}@{socket.gethostname()}" for worker in started]
    eventually(
        lambda: {one.name for one in shop.search.ledger.read(workers.known)} == {*awake, frozen},
        seconds=90.0,
        what="the ledger knows all workers",
    )
    started[-1].freeze()

    code, found = look(shop, "--check")
    assert found["broker"]["unknown"] is None
    assert {one["name"]: one["answers"] for one in found["workers"]} == {**dict.fromkeys(awake, True), frozen: False}
    assert (code, [reason["code"] for reason in found["check"]["reasons"]]) == (2, ["worker_silent"])
    assert frozen in found["check"]["reasons"][0]["text"]

    with shop.engine.connect() as holder, holder.begin():
        holder.execute(text("LOCK TABLE scrypath_work, scrypath_index, scrypath_ledger IN ACCESS EXCLUSIVE MODE"))
        assert ping(shop, awake) == set(awake)
        code, found = look(shop, "--check")
        assert ping(shop, awake) == set(awake)
    [index] = found["indexes"]
    assert (code, found["check"]["health"]) == (1, "unknown")
    assert "the ledger's database did not answer" in index["queue"]["unknown"]
    assert index["engine"]["pending"] == 0
    assert found["broker"]["unknown"] is None
    assert {one["name"] for one in found["broker"]["workers"]} == set(awake)

    broker.freeze()
    try:
        code, found = look(shop)
    finally:
        broker.thaw()
    [index] = found["indexes"]
    assert code == 1
    assert found["broker"]["unknown"].startswith("the broker at redis://")
    assert (index["queue"]["pending"], index["engine"]["pending"]) == (0, 0)
    assert {one["name"]: one["answers"] for one in found["workers"]} == dict.fromkeys([*awake, frozen])
    eventually(lambda: ping(shop, awake) == set(awake), seconds=30.0, what="the workers answer again")
