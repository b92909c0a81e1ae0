"""Following a rebuild that the workers run, without standing in for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

from ..errors import RebuildError
from ..ledger import rebuilds
from ..ledger.rebuilds import Rebuild
from ..logs import log
from ..runtime import Runtime, identity
from .begin import FOLLOWED
from .phases import ENDS, Phase
from .runner import Progress, refuse_paused, report

POLL = 0.2
"""Seconds between two looks."""
UNTOUCHED = 5.0
"""Seconds without a sign of a worker after which it is said."""

Note = Callable[[str], None]


def log_waiting(text: str) -> None:
    """Log that no worker takes a rebuild."""
    log("rebuild_waits_for_worker", advice=text)


def follow(
    runtime: Runtime,
    id: int,
    *,
    progress: Progress | None = None,
    note: Note = log_waiting,
    patience: float | None = None,
) -> Rebuild:
    """Look at a rebuild until it is over or waits for a command; the row then.

    `note` is told where no worker takes it; after `patience` seconds of that (None: never) this gives up.

    Raises:
        RebuildError: it is gone, or no worker took it. IndexPaused: an operator paused its index.
        LedgerError: the ledger cannot be read.
    """
    pause, told = threading.Event(), False
    seen, since = None, time.monotonic()
    try:
        while True:
            row = _look(runtime, id)
            if progress is not None:
                report(row, progress, runtime)
            if is_stopped(row):
                return row
            refuse_paused(runtime, row.index_uid)
            mark = (row.epoch, row.updated_at, _settled(runtime, id))
            if mark != seen:
                seen, since, told = mark, time.monotonic(), False
            waited = time.monotonic() - since
            if waited > UNTOUCHED and not told:
                told = True
                note(f"no worker has taken rebuild {id} for {waited:.0f} s: it goes on when one comes")
            if patience is not None and waited > patience:
                raise RebuildError(
                    f"no worker has taken rebuild {id} for {waited:.0f} s: start one, and the rebuild goes on",
                    why="no_worker",
                )
            pause.wait(POLL)
    finally:
        runtime.ledger.run(partial(rebuilds.follow, id=id, who=None, seconds=0.0))


def is_stopped(row: Rebuild) -> bool:
    """Whether nothing more happens without a command."""
    phase = Phase(row.phase)
    waiting = phase is Phase.CUT_OVER and not row.tried and (bool(row.blocked) or not row.options.get("cutover"))
    return phase in ENDS or phase is Phase.KEPT or waiting


def _look(runtime: Runtime, id: int) -> Rebuild:
    runtime.ledger.run(partial(rebuilds.follow, id=id, who=identity(), seconds=FOLLOWED))
    row = runtime.ledger.read(lambda tx: rebuilds.get(tx, id))
    if row is None:
        raise RebuildError(f"rebuild {id} is gone from the ledger", why="lost")
    return row


def _settled(runtime: Runtime, id: int) -> tuple[tuple[str, int], ...]:
    found = runtime.ledger.read(lambda tx: rebuilds.tally(tx, id))
    return tuple(sorted((state.value, count) for state, (count, _) in found.items()))
