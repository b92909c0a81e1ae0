"""The same faults, once for the tasks that applications write by hand and once for ours.

`SCRYPATH_TEST_CHAOS_SEEDS=10 pytest tests/chaos/test_by_hand.py -s` gives the numbers of the README.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import faults
from tests.chaos.by_hand import GRACE, world_by_hand
from tests.chaos.episode import Report, play
from tests.chaos.world import World, world

SEEDS = int(os.environ.get("SCRYPATH_TEST_CHAOS_SEEDS", "1"))
ALL = (*faults.PROCESSES, *faults.BROKER, *faults.ENGINE)
STRUCK, STEPS = (ALL, 100) if SEEDS > 1 else ((faults.broker_restarted, faults.broker_away), 40)
"""Every fault where many seeds are played; of few writes, only an absent broker is sure to lose some."""
COUNTS = ("lost", "stale", "ghosts", "failed")
pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(180 + 120 * SEEDS),
    # Kombu leaves its socket where a broker goes away under a publication.
    pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"),
]


def ends(made: World, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, int]:
    """What all seeds came to, which is also told."""
    reports: list[Report] = [play(made, seed, STRUCK, steps=STEPS, **options) for seed in range(SEEDS)]
    total = {name: sum(getattr(report, name) for report in reports) for name in ("writes", "documents", *COUNTS)}
    unequal = sum(not report.fine for report in reports)
    with capsys.disabled():
        sys.stdout.write(f"\n{unequal} of {SEEDS} seeds did not end equal: {total}\n")
    return {name: total[name] for name in COUNTS}


def test_tasks_written_by_hand_leave_an_index_that_differs(
    postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world_by_hand(postgresql_url, redis_server(), tmp_path) as made:
        assert any(ends(made, capsys, grace=GRACE).values())


def test_ours_leave_an_index_that_is_equal_after_the_same_faults(
    postgresql_url: str, redis_server: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with world(postgresql_url, redis_server(), tmp_path) as made:
        assert not any(ends(made, capsys).values())
