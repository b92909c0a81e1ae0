"""A ledger that does not answer holds up no worker: it answers what it knows, and pings at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import create_engine, text

from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.worker.inspect import LIMIT
from tests.deadline import eventually
from tests.shop import Setup, Shop
from tests.worker import Worker

TABLES = "scrypath_work, scrypath_claim, scrypath_index, scrypath_ledger, scrypath_rebuild"


@pytest.fixture
def shop(postgresql_url: str, scrypath_engine: EngineUnderTest, tmp_path: Path) -> Iterator[Shop]:
    """A shop on PostgreSQL, whose tables can be locked."""
    key = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    with FakeBroker() as broker:
        setup = Setup(broker=broker.url, database=postgresql_url, meilisearch_url=scrypath_engine.url, options={**key})
        opened = Shop(setup).create()
        yield opened
        opened.close()


@pytest.fixture
def locked(shop: Shop, postgresql_url: str) -> Iterator[Callable[[], None]]:
    """Call it to lock the ledger until the end of the test."""
    engine = create_engine(postgresql_url)
    connection = engine.connect()

    def lock() -> None:
        connection.execute(text(f"LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE"))

    yield lock
    connection.close()
    engine.dispose()


def ask(shop: Shop, node: str, command: str, seconds: float) -> Any:
    """What a worker replies to a command; None where it does not within `seconds`."""
    replies = shop.app.control.broadcast(command, reply=True, destination=[node], timeout=seconds)
    return replies[0][node] if replies else None


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_locked_ledger_holds_up_no_ping(
    shop: Shop,
    locked: Callable[[], None],
    start_worker: Callable[..., Worker],
    pool: Literal["prefork", "threads"],
) -> None:
    worker = start_worker("tests.shop_app", env=shop.setup.env(), pool=pool, concurrency=1)
    node = f"{worker.name}@{socket.gethostname()}"
    shop.add(1)
    eventually(shop.in_step, seconds=30, what="the work is done")
    known = ask(shop, node, "scrypath_status", 10)
    assert (known["reach"]["ledger"]["answers"], known["reach"]["engine"]["answers"]) == (True, True)
    assert known["versions"]["celery"]
    assert known["counters"]["works_succeeded"] == 1
    assert known["relay"]["passes"] >= 1

    locked()
    answers: dict[str, Any] = {}
    commands = ("scrypath_status", "scrypath_work", "scrypath_failed", "scrypath_reconcile")

    def look(command: str) -> None:
        answers[command] = ask(shop, node, command, 15)

    asking = [threading.Thread(target=look, args=(command,)) for command in commands]
    for one in asking:
        one.start()
    waited = []
    while any(one.is_alive() for one in asking):
        start = time.monotonic()
        assert ask(shop, node, "ping", 5) == {"ok": "pong"}
        waited.append(time.monotonic() - start)
    assert max(waited) < LIMIT, "a ping waited for a look"
    assert min(waited) < 1.0
    status, work = answers["scrypath_status"], answers["scrypath_work"]
    assert (status["indexes"], status["counters"]["works_succeeded"]) == (None, 1)
    assert status["unknown"]
    assert work["claims"] is None
    assert work["unknown"]
    assert "error" in answers["scrypath_reconcile"] or answers["scrypath_reconcile"]["unknown"]
    assert "error" in answers["scrypath_failed"]
