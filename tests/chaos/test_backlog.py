"""A long backlog on a cold start is worked off in bounded memory."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from scrypath_celery.ledger import tables
from scrypath_celery.work import Mode, Operation, State
from tests.chaos.long import long
from tests.chaos.shop import Item
from tests.chaos.world import World, world
from tests.deadline import eventually

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1_800)]
WORKS, EARLY = 100_000, 10_000


@long
def test_a_hundred_thousand_works_drain_without_growth(
    postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"lease": 60.0, "await_seconds": 20.0, "engine_timeout": 30.0, "relay_period": 5.0, "task_seconds": 30.0}
    with world(postgresql_url, redis_server(), tmp_path, pools=["prefork"], options=options) as made:
        _fill(made)
        began = time.monotonic()
        eventually(lambda: _done(made) >= EARLY, seconds=600, what="the first ten thousand are done")
        early = _memory(made)
        eventually(lambda: _done(made) == WORKS, seconds=1_200, what="all are done")
        end, seconds = _memory(made), time.monotonic() - began
        with capsys.disabled():
            sys.stdout.write(f"\n{WORKS} works in {seconds:.0f} s; pool {early} MB at {EARLY}, {end} MB at the end\n")
        assert end <= 1.3 * early
        stats = made.shop.search.runtime.engine.stats("items")
        assert stats is not None
        assert stats["numberOfDocuments"] == WORKS


def _fill(made: World) -> None:
    """Rows and works as that many commits would have left them, a few thousand a transaction."""
    for start in range(0, WORKS, 5_000):
        ids, now = range(start, start + 5_000), time.time()
        same = {"index_uid": "items", "operation": Operation.UPSERT.value, "documents": 1, "mode": Mode.CELERY.value}
        times = {"created_at": now, "publish_after": now, "available_at": now}
        rest = {"state": State.PENDING.value, "attempts": 0, "claims": 0, **times}
        with made.shop.engine.begin() as connection:
            connection.execute(insert(Item), [{"id": id, "version": id} for id in ids])
            connection.execute(insert(tables.work), [{**same, **rest, "ids": [str(id)]} for id in ids])


def _done(made: World) -> int:
    query = select(func.count()).where(tables.work.c.state == State.SUCCEEDED.value)
    return int(made.shop.search.ledger.read(lambda tx: tx.execute(query).scalar_one()))


def _memory(made: World) -> int:
    """What the pool of the worker holds, in MB."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in made.workers[0].children())
    return pages * 4096 // 1_000_000
