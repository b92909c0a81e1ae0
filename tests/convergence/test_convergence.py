"""When nothing is pending, running or failed, the index equals the projection of the database: over many schedules."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.chaos.long import LONG
from tests.convergence.play import play, play_all

pytestmark = pytest.mark.chaos

SCHEDULES = int(os.environ.get("SCRYPATH_TEST_SCHEDULES", "700" if LONG else "40"))
"""Schedules of each mood; one takes about a tenth of a second of a processor."""

MOODS: dict[str, dict[str, Any]] = {
    "everything goes wrong at times": {},
    "requests end without an answer": {"lost": 0.3, "late": (5, 20, 40), "writes": 10, "pace": 0.15},
    "workers die and oversleep": {"crash": 0.08, "sleep": 0.08, "shutdown": 0.05, "documents": 2},
}

OVERLAP = {"documents": 1, "writes": 3, "pace": 0.15, "sleep": 0.3, "sleeps": (8, 14)}
OVERSLEEP = {"documents": 2, "writes": 4, "pace": 0.1, "sleep": 0.2, "sleeps": (25, 40)}
LATE = {"documents": 4, "writes": 10, "pace": 0.15, "sleep": 0.0, "lost": 0.5, "late": (20, 40)}
QUIET = {"crash": 0.0, "shutdown": 0.0, "hurry": 0.0, "lost": 0.0, "failing": 0.0}
"""Nothing goes wrong but what a mechanism is there for, so that nothing else makes up for it."""


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("mood", MOODS)
def test_index_and_database_are_equal_at_the_end_of_every_schedule(mood: str) -> None:
    assert play_all(range(SCHEDULES), **MOODS[mood]) == {}


@pytest.mark.parametrize(
    ("off", "world"),
    [
        pytest.param(("check",), QUIET | OVERLAP, id="the check, of two claims that overlap"),
        pytest.param(("report", "watch"), QUIET | OVERSLEEP, id="the report, and the watch that fixes the same"),
        pytest.param(("watch",), QUIET | LATE, id="the watch, of requests that land late"),
    ],
)
def test_without_one_mechanism_some_schedule_ends_different(off: tuple[str, ...], world: dict[str, Any]) -> None:
    found = play(range(400), off=off, first=True, **world)
    assert list(found.values()) == ["different"]
    assert play(found, **world) == {}


def test_without_the_takeover_of_leases_the_work_of_a_dead_worker_is_stuck() -> None:
    found = play(range(50), off=("takeover",), first=True, crash=0.1)
    assert list(found.values()) == ["stuck"]
    assert play(found, crash=0.1) == {}


def test_a_schedule_is_the_same_each_time_it_is_played() -> None:
    assert play(range(40, 45), off=("watch", "report", "check")) == play(
        range(40, 45), off=("watch", "report", "check")
    )
