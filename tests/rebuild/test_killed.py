"""Kill -9 at every step of a reindex: the same command finishes it, and reads no more than a page of a range again."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.testing.engine import EngineUnderTest
from tests.chaos.long import LONG
from tests.imports import ROOT
from tests.processes import run

FEW = 6
"""Deaths that the ordinary tests play; `nox -s chaos` plays all."""


def played(folder: Path, engine: EngineUnderTest, points: Sequence[int]) -> list[dict[str, Any]]:
    """How reindexes ended that were killed after so many commits and requests each."""
    command = [sys.executable, "-m", "tests.rebuild.killed", str(folder), engine.url, engine.api_key or ""]
    done = run([*command, ",".join(map(str, points))], cwd=ROOT.parent, timeout=1_500)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.timeout(1_600 if LONG else 300)
def test_a_reindex_that_is_killed_at_any_step_is_finished_by_the_same_command(
    tmp_path: Path, scrypath_engine: EngineUnderTest
) -> None:
    [whole] = played(tmp_path, scrypath_engine, [0])
    assert (whole["cut_over"], whole["in_step"], whole["read_twice"]) == (True, True, 0)
    events = whole["events"]
    points = range(1, events + 1) if LONG else [1 + at * (events - 1) // FEW for at in range(FEW + 1)]
    ended = played(tmp_path, scrypath_engine, points)
    assert len(ended) == len(points)
    assert [one for one in ended if not (one.get("in_step") and one["cut_over"])] == []
    # One that died when all was done has begun another rebuild.
    assert [one for one in ended if one["read_twice"] > 1 and one["phases"] != ["done", "done"]] == []
    assert {phase for one in ended for phase in one["phases"]} == {"done"}
    assert sum(one["died"] == -9 for one in ended) >= len(ended) - 1  # the last one may be over before
