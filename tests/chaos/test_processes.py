"""Processes that are killed, hang, or are shut down, with work in their hands."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scrypath_celery.convergence.checkpoints import Step
from scrypath_celery.ledger import works
from scrypath_celery.work import OPEN, READY, ReasonClass, State
from tests.chaos.long import long
from tests.chaos.shop import EXIT, HANG
from tests.chaos.world import World, world
from tests.deadline import eventually

pytestmark = pytest.mark.chaos
TROUBLE = {Step.REPORTED, Step.PAUSED}
"""Steps that a claim takes only where something else goes wrong."""


def test_a_process_killed_at_each_step_leaves_work_that_another_one_finishes(
    sqlite_url: str, redis_server: Callable[[], Any], tmp_path: Path
) -> None:
    deaths = tmp_path / "deaths"
    deaths.mkdir()
    steps = {step.name for step in Step} - {step.name for step in TROUBLE}
    with world(sqlite_url, redis_server(), tmp_path, deaths=deaths, pools=["prefork"]) as made:
        for id in range(len(steps)):
            made.write({id: id})
        eventually(lambda: _settled(made), what="all works are done")
        assert made.documents() == {id: id for id in range(len(steps))}
        assert {path.name for path in deaths.iterdir()} >= steps - {Step.JUDGED.name}


@pytest.mark.parametrize(
    ("version", "limit"),
    [pytest.param(EXIT, None, id="ends its process"), pytest.param(HANG, 5, id="hangs", marks=long)],
)
def test_a_projection_that_does_not_end_well_is_one_dead_letter_and_the_others_go_on(
    version: int, limit: float | None, sqlite_url: str, redis_server: Callable[[], Any], tmp_path: Path
) -> None:
    options = {"max_claims": 4, "max_attempts": 3}
    with world(sqlite_url, redis_server(), tmp_path, pools=["prefork"], options=options, limit=limit) as made:
        made.write({1: 1})
        poison = made.write({2: version})
        made.write({id: id for id in range(3, 20)})
        eventually(lambda: _settled(made), what="every work has ended")
        failed = made.shop.search.ledger.read(lambda tx: works.listed(tx, [State.FAILED]))
        assert [(work.id, work.ids, work.reason_class) for work in failed] == [(poison[0], ("2",), ReasonClass.SOURCE)]
        assert made.documents() == {id: id for id in range(1, 20) if id != 2}


@pytest.mark.parametrize(
    "how", [pytest.param(signal.SIGQUIT, id="cold"), pytest.param(signal.SIGTERM, id="warm", marks=long)]
)
def test_a_worker_that_is_shut_down_keeps_no_claim(
    how: signal.Signals, sqlite_url: str, redis_server: Callable[[], Any], tmp_path: Path
) -> None:
    options = {"lease": 600.0, "await_seconds": 4.0, "publish_grace": 1.0}
    with world(sqlite_url, redis_server(), tmp_path, pools=["prefork"], options=options) as made:
        made.write({1: 1})
        eventually(lambda: _settled(made), what="the index is there")
        made.engine.freeze()
        made.write({2: 2})
        eventually(lambda: made.states()[State.RUNNING], what="the worker waits for the engine")
        worker = made.workers[0]
        os.kill(worker.pid, how)
        worker.wait()
        held = made.states()
        assert held[State.RUNNING] == 0
        assert sum(held[state] for state in (*READY, State.SUBMITTED)) == 1
        made.engine.thaw()
        worker.start()
        eventually(lambda: _settled(made), what="the next worker does it, long before the lease is over")
        assert made.documents() == {1: 1, 2: 2}


def _settled(made: World) -> bool:
    states = made.states()
    return not any(states[state] for state in OPEN)
