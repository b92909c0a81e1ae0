"""Playing many schedules, with every mechanism on or some of them off."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import scrypath_celery.convergence.converge as converging
import scrypath_celery.convergence.relay as relaying
import scrypath_celery.convergence.send as sending
from tests.convergence.stage import Stage
from tests.convergence.world import World

CHUNK = 50
FEW = 250
"""As many are played in the test's own process: others would take their time to start."""


def _no_report(attempt: Any) -> Iterator[Any]:
    yield from ()


MECHANISMS: Mapping[str, tuple[Any, str, Any]] = {
    "check": (converging, "check", lambda attempt: None),
    "report": (converging, "_report", _no_report),
    "watch": (relaying, "watch", lambda runtime: 0),
    "takeover": (relaying, "free", lambda runtime: 0),
}
"""What convergence stands on, and what it is replaced by where it is switched off."""


@contextmanager
def without(off: Iterable[str]) -> Iterator[None]:
    """Switch mechanisms off."""
    with ExitStack() as stack:
        # So that small bodies, too, are split where the connection breaks under them.
        stack.enter_context(patch.object(sending, "SPLIT_BYTES", 1))
        for name in off:
            module, attribute, replacement = MECHANISMS[name]
            stack.enter_context(patch.object(module, attribute, replacement))
        yield


def play(seeds: Iterable[int], *, off: Iterable[str] = (), first: bool = False, **world: Any) -> dict[int, str]:
    """The schedules that did not end `equal`, by seed; with `first` none after the first one."""
    found: dict[int, str] = {}
    with without(off), closing(Stage()) as stage:
        for seed in seeds:
            verdict = World(stage, seed, **world).run()
            if verdict != "equal":
                found[seed] = verdict
                if first:
                    break
    return found


Player = Callable[..., dict[int, str]]


def play_all(seeds: range, player: Player = play, **world: Any) -> dict[int, str]:
    """What `player` finds, on all processors where there are many."""
    if len(seeds) <= FEW:
        return player(seeds, **world)
    parts = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    found: dict[int, str] = {}
    with ProcessPoolExecutor(os.cpu_count() or 1, multiprocessing.get_context("spawn")) as pool:
        for part in pool.map(partial(player, **world), parts):
            found |= part
    return found
