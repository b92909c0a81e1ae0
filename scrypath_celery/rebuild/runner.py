"""Working along: the process that started a rebuild runs works of it too, beside whatever workers there are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ..convergence.executor import run_ready_works
from ..convergence.relay import relay
from ..errors import IndexPaused
from ..ledger import indexes, rebuilds
from ..runtime import Runtime
from ..work import Operation, Scope

Progress = Callable[[str, int, int | None], None]
"""Called with the phase, how many documents are done, and of how many (None: unknown)."""

SLICE = 2.0
"""Seconds of work between two reports of progress."""


def run_with_workers(
    runtime: Runtime, uid: str, operation: Operation, *, since: int, phase: str, progress: Progress | None
) -> int:
    """Run works until none of this operation from id `since` on is open; how many of them failed.

    Raises:
        IndexPaused: the index is paused; its works stay in the ledger and go on when the pause ends.
    """
    pause, left = threading.Event(), 1
    while left:
        outcome = run_ready_works(runtime, uid, seconds=SLICE)
        left, done, failed = runtime.ledger.run(
            partial(rebuilds.progress, index_uid=uid, operation=operation, since=since)
        )
        if progress is not None:
            progress(phase, done, done + left)
        row = runtime.ledger.run(lambda tx: indexes.get(tx, uid))
        # A pause that concerns the live index alone is what a rebuild may end.
        holds = row is not None and row.pause is not None and row.pause.scope is not Scope.INDEX
        if left and row is not None and row.pause is not None and holds and not outcome.succeeded:
            raise IndexPaused(
                f"index {uid} is paused ({row.pause.reason_class}: {row.pause.reason}); the work resumes automatically"
            )
        if left and not outcome.claims:
            relay(runtime)
            pause.wait(0.1)
    return failed


def written_for(runtime: Runtime, uid: str, operation: Operation, ids: list[str] | tuple[str, ...]) -> tuple[int, ...]:
    """Write works for these ids and hand them to Celery."""
    write = partial(rebuilds.announce, index_uid=uid, operation=operation, ids=ids)
    written = runtime.ledger.run(write)
    if written:
        runtime.publish(uid, written)
    return written
