"""A client that knows nothing of us writes beside the ORM, under faults: triggers see to it that nothing is missed.

SCRYPATH_TEST_CHAOS_SEEDS and SCRYPATH_TEST_CHAOS_FIRST choose the seeds, as for the runs without such a client.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import faults, related
from tests.chaos.episode import Report, play
from tests.chaos.long import LONG, long
from tests.chaos.related import Entry
from tests.chaos.shop import Item
from tests.chaos.world import World, world
from tests.services.rabbitmq import RabbitMQServer

STRUCK = (*faults.PROCESSES, *faults.BROKER, *faults.ENGINE)
SEEDS = int(os.environ.get("SCRYPATH_TEST_CHAOS_SEEDS") or (20 if LONG else 1))
FIRST = int(os.environ.get("SCRYPATH_TEST_CHAOS_FIRST", "0"))
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(180 + 60 * SEEDS)]


def told(reports: list[Report]) -> str:
    """What they came to, together."""
    names = ("writes", "works", "documents", "lost", "stale", "ghosts", "failed", "refused")
    return " ".join(f"{name}={sum(getattr(report, name) for report in reports)}" for name in names)


def end_equal(made: World) -> None:
    related.fill(made.shop.engine)
    for model in (Item, Entry):
        made.shop.search.ledger.triggers(model).install()
    made.shop.search.backfill(Entry, sync_mode="inline")
    steps = 100 if LONG else 40
    seeds = range(FIRST, FIRST + SEEDS)
    reports = [play(made, seed, STRUCK, steps=steps, plain=True, related=True) for seed in seeds]
    sys.stdout.write(f"\n{made.shop.engine.dialect.name}: {SEEDS} seeds, {told(reports)}\n")
    assert [report for report in reports if not report.fine] == []
    assert not any(report.refused for report in reports)


def test_on_postgresql_what_a_plain_client_writes_ends_equal(
    postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path
) -> None:
    with world(postgresql_url, redis_server(), tmp_path, related=True) as made:
        end_equal(made)


@long
def test_on_mariadb_what_a_plain_client_writes_ends_equal(
    mariadb_url: str, rabbitmq_server: RabbitMQServer, tmp_path: Path
) -> None:
    with world(mariadb_url, rabbitmq_server, tmp_path, related=True) as made:
        end_equal(made)


@long
def test_on_sqlite_what_a_plain_client_writes_ends_equal(
    sqlite_url: str, fakeredis_server: Callable[[], Any], tmp_path: Path
) -> None:
    with world(sqlite_url, fakeredis_server(), tmp_path, related=True) as made:
        end_equal(made)


@long
def test_without_triggers_the_same_run_does_not_end_equal(
    postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path
) -> None:
    with world(postgresql_url, redis_server(), tmp_path, related=True) as made:
        report = play(made, 0, STRUCK, steps=40, plain=True, patience=20)
        sys.stdout.write(f"\nwithout triggers: {told([report])}\n")
        assert not report.fine


@long
@pytest.mark.parametrize("seed", range(4))
def test_without_triggers_on_related_tables_the_same_run_does_not_end_equal(
    seed: int, postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path
) -> None:
    with world(postgresql_url, redis_server(), tmp_path, related=True) as made:
        related.fill(made.shop.engine)
        made.shop.search.ledger.triggers(Item).install()
        made.shop.search.backfill(Entry, sync_mode="inline")
        report = play(made, seed, STRUCK, steps=40, plain=True, related=True, patience=20)
        sys.stdout.write(f"\nseed {seed} without triggers on related tables: {told([report])}\n")
        assert not report.fine
