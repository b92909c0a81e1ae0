"""Whatever happens to owners, engine and workers, a rebuild ends with the live index equal to the projection."""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.chaos.long import LONG
from tests.convergence.play import play_all
from tests.rebuild.play import play

pytestmark = pytest.mark.chaos

SCHEDULES = int(os.environ.get("SCRYPATH_TEST_SCHEDULES", "400" if LONG else "15"))
"""Schedules of each mood; one takes about a sixth of a second of a processor."""

SMALL = {"documents": 4, "writes": 8}
MOODS: dict[str, dict[str, Any]] = {
    "everything goes wrong at times": SMALL,
    "owners die and oversleep": SMALL | {"crash": 0.08, "sleep": 0.15, "sleeps": (5, 30, 60), "drivers": 3},
    "requests end without an answer": SMALL | {"lost": 0.25, "late": (5, 20, 40)},
    "a foreign hand empties the target": SMALL | {"harm": 0.2, "after": 4},
    "a worker of the release before takes part": SMALL | {"old": True},
}

QUIET = {"crash": 0.0, "shutdown": 0.0, "hurry": 0.0, "lost": 0.0, "failing": 0.0, "sleep": 0.0}
"""Nothing goes wrong but what a mechanism is there for, so that nothing else makes up for it."""

OFF: dict[str, dict[str, Any]] = {
    "epoch": QUIET | {"documents": 2, "writes": 20, "pace": 0.1, "drivers": 3, "nap": 0.6, "sleeps": (25, 30, 36)},
    "gate": QUIET | {"documents": 4, "writes": 6, "after": 6, "harm": 1.0},
    "catch-up": QUIET | {"documents": 4, "writes": 16, "pace": 0.3},
    "requeue": QUIET | {"documents": 3, "writes": 30, "pace": 0.4},
    "rename": QUIET | {"documents": 3, "writes": 6, "lost": 0.3, "late": (20, 40), "drivers": 3},
    "fingerprint": QUIET | {"documents": 6, "writes": 10, "old": True},
}

FIRST = {"epoch": 8, "rename": 205}
"""Where the schedules begin that are played without a mechanism (default: 0), where one that needs it is rare."""


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("mood", MOODS)
def test_live_index_and_projection_are_equal_at_the_end_of_every_schedule(mood: str) -> None:
    assert play_all(range(SCHEDULES), play, **MOODS[mood]) == {}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mechanism", OFF)
def test_without_one_mechanism_some_schedule_ends_wrong(mechanism: str) -> None:
    world = OFF[mechanism]
    start = FIRST.get(mechanism, 0)
    found = play(range(start, start + 60), off=(mechanism,), first=True, **world)
    assert len(found) == 1
    assert play(found, **world) == {}
