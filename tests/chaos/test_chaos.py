"""Whatever strikes, in the end the index equals the database, nothing is open, and nothing was lost.

The ordinary tests play a few seeds; `nox -s chaos` plays as many as SCRYPATH_TEST_CHAOS_SEEDS says on each stack.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import faults
from tests.chaos.episode import Report, play
from tests.chaos.world import world
from tests.services.rabbitmq import RabbitMQ

SEEDS = int(os.environ.get("SCRYPATH_TEST_CHAOS_SEEDS", "3"))
FIRST = int(os.environ.get("SCRYPATH_TEST_CHAOS_FIRST", "0"))
EVERYWHERE = (*faults.PROCESSES, *faults.ENGINE, faults.messages_again)
pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(120 + 60 * SEEDS)]


def test_postgresql_and_redis_end_equal(
    postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    struck = (*EVERYWHERE, *faults.BROKER, *faults.DATABASE)
    with world(postgresql_url, redis_server(), tmp_path, level="SERIALIZABLE") as made:
        _told([play(made, seed, struck) for seed in range(FIRST, FIRST + SEEDS)], capsys)


def test_mariadb_and_rabbitmq_end_equal(
    mariadb_url: str, rabbitmq: RabbitMQ, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    struck = (*EVERYWHERE, *faults.DATABASE)
    with (
        rabbitmq.vhost() as broker,
        world(mariadb_url, broker, tmp_path, level="REPEATABLE READ") as made,
    ):
        _told([play(made, seed, struck) for seed in range(FIRST, FIRST + SEEDS)], capsys)


def test_sqlite_and_fakeredis_end_equal(
    sqlite_url: str, fakeredis_server: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    struck = (*EVERYWHERE, *faults.BROKER)
    with world(sqlite_url, fakeredis_server(), tmp_path) as made:
        _told([play(made, seed, struck) for seed in range(FIRST, FIRST + SEEDS)], capsys)


def _told(reports: list[Report], capsys: pytest.CaptureFixture[str]) -> None:
    """Print what the episodes came to, and fail where one did not end equal."""
    struck = sum((report.faults for report in reports), Counter[str]())
    total = {name: sum(getattr(report, name) for report in reports) for name in ("writes", "refused", "documents")}
    ends = {name: sum(getattr(report, name) for report in reports) for name in ("lost", "stale", "ghosts", "failed")}
    with capsys.disabled():
        slowest = max(report.settled_after for report in reports)
        print(f"\nseeds={len(reports)} faults={sum(struck.values())} {total} {ends} slowest_settle={slowest:.1f}s")
        print(f"  {dict(struck)}")
    assert ends == {"lost": 0, "stale": 0, "ghosts": 0, "failed": 0}, [r.seed for r in reports if not r.fine]
    cut = struck["database_cut"]
    assert cut or total["refused"] == 0, "a transaction of the application failed because of ours"
