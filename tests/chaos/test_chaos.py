"""Whatever strikes, in the end the index equals the database, nothing is open, and nothing was lost.

The ordinary tests play one seed on each stack; `nox -s chaos` plays as many as `SEEDS` says. Both can be set:
SCRYPATH_TEST_CHAOS_SEEDS on each stack, from SCRYPATH_TEST_CHAOS_FIRST on.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import faults
from tests.chaos.episode import Report, play
from tests.chaos.long import LONG, long
from tests.chaos.off import MECHANISMS
from tests.chaos.world import World, world
from tests.services.rabbitmq import RabbitMQServer

NAMED = os.environ.get("SCRYPATH_TEST_CHAOS_SEEDS")
_MANY = {"redis": 200, "rabbitmq": 50, "fake": 50}
SEEDS = {stack: int(NAMED or (many if LONG else 1)) for stack, many in _MANY.items()}
FIRST = int(os.environ.get("SCRYPATH_TEST_CHAOS_FIRST", "0"))
EVERYWHERE = (*faults.PROCESSES, *faults.BROKER, *faults.ENGINE)
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180 + 60 * max(SEEDS.values()))]


def test_postgresql_and_redis_end_equal(
    postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    struck = (*EVERYWHERE, *faults.DATABASE)
    with world(postgresql_url, redis_server(), tmp_path, level="SERIALIZABLE") as made:
        _told(_played(made, SEEDS["redis"], struck), capsys)


def test_mariadb_and_rabbitmq_end_equal(
    mariadb_url: str, rabbitmq_server: RabbitMQServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    struck = (*EVERYWHERE, *faults.DATABASE)
    with world(mariadb_url, rabbitmq_server, tmp_path, level="REPEATABLE READ") as made:
        _told(_played(made, SEEDS["rabbitmq"], struck), capsys)


def test_sqlite_and_fakeredis_end_equal(
    sqlite_url: str, fakeredis_server: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A process that is stopped while it holds SQLite's one write lock stops every writer: nobody can take it over.
    struck = (*(fault for fault in EVERYWHERE if fault is not faults.worker_frozen), faults.rival, faults.clock_stepped)
    with world(sqlite_url, fakeredis_server(), tmp_path) as made:
        _told(_played(made, SEEDS["fake"], struck), capsys)


NEEDED: dict[str, tuple[faults.Fault, ...]] = {
    "check": (faults.engine_fault("slow", seconds=0.4),),
    "watch and report": (faults.engine_fault("register_later", seconds=2.5), faults.worker_frozen),
    "watch of unanswered requests": (faults.engine_fault("register_later", seconds=2.5),),
    "relay": (faults.engine_fault("slow", seconds=0.4), faults.worker_killed),
}
"""What strikes where a mechanism is switched off: what it is there for."""


@long
@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_without_one_mechanism_some_seed_does_not_end_equal(
    mechanism: str, postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path
) -> None:
    with world(postgresql_url, redis_server(), tmp_path, off=mechanism) as made:
        assert any(not play(made, seed, NEEDED[mechanism], patience=20).fine for seed in range(20))


def _played(made: World, seeds: int, struck: Sequence[faults.Fault]) -> list[Report]:
    return [play(made, seed, struck, steps=100 if LONG else 40) for seed in range(FIRST, FIRST + seeds)]


def _told(reports: list[Report], capsys: pytest.CaptureFixture[str]) -> None:
    """Say what the episodes came to, and fail where one did not end equal."""
    struck = sum((report.faults for report in reports), Counter[str]())
    total = {name: sum(getattr(report, name) for report in reports) for name in ("writes", "refused", "works")}
    ends = {name: sum(getattr(report, name) for report in reports) for name in ("lost", "stale", "ghosts", "failed")}
    documents, slowest = sum(r.documents for r in reports), max(r.settled_after for r in reports)
    with capsys.disabled():
        sys.stdout.write(f"\n{len(reports)} seeds, {sum(struck.values())} faults: {dict(struck)}")
        sys.stdout.write(f"\n{total}, {documents} documents compared: {ends}; settled within {slowest:.1f} s\n")
    bad = [(report.seed, dict(report.faults)) for report in reports if not report.fine]
    assert not bad
    innocent = [report for report in reports if not report.faults.keys() & {"database_cut", "rival"}]
    assert not any(report.refused for report in innocent), "a transaction of the application failed because of ours"
