"""Driving a rebuild: in the calling process to its end, or in a worker for a while."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum, auto
from functools import partial

from sqlalchemy import Connection

from ..convergence.executor import run_ready_works
from ..convergence.relay import relay
from ..errors import IndexPaused, RebuildError, ScrypathError
from ..ledger import indexes, ready, rebuilds
from ..ledger.rebuilds import Rebuild
from ..logs import log
from ..runtime import Runtime
from ..work import OPEN, READY, IndexRow, Mode, PauseByHand, Scope, State, cause_of
from .begin import give_up
from .held import Held, acquire
from .phases import Phase
from .step import Turn, expired, step
from .waiting import Waiting

Progress = Callable[[str, int, int | None], None]
"""Called with the phase, how many documents are done, and of how many (None: unknown)."""

RebuildProgress = Callable[[Rebuild, str, int, int | None], None]
"""The same, with the rebuild."""

SLICE = 1.0
"""Seconds of work between two steps of the rebuild."""


def run_here(held: Held, progress: Progress | None = None) -> Rebuild:
    """Drive a rebuild in this process, works included, until it is over or waits for a command; the row then.

    Raises:
        RebuildError: another process took it over.
        IndexPaused, EngineError, SourceError, LedgerError: a part is unreachable; the same call goes on when it is
            back.
    """
    runtime, uid = held.runtime, held.row.index_uid
    waiting = Waiting(runtime=runtime, uid=uid, look=SLICE, has_work=partial(ready.any_ready, index_uid=uid))
    moved = True
    try:
        while True:
            _refuse_pause(runtime, uid, moved=moved)
            turn = step(held)
            if progress is not None:
                report(held.row, progress, runtime)
            if turn in (Turn.OVER, Turn.STOPPED):
                return held.row
            if turn is Turn.WAITING or held.phase in (Phase.FILL, Phase.ORPHANS, Phase.CATCH_UP):
                outcome = run_ready_works(runtime, uid, seconds=SLICE)
                moved = bool(outcome.succeeded)
                if turn is Turn.WAITING and not outcome.claims:
                    relay(runtime)
                    waiting.wait()
                else:
                    waiting.reset()
            else:
                moved = True
    finally:
        held.release()


def drive(runtime: Runtime, *, seconds: float, progress: RebuildProgress | None = None, works: bool = True) -> int:
    """Drive the rebuilds that workers run and nobody else drives now, for some seconds; how many were taken.

    `works=False` runs none of their works: these have a queue of their own. What goes wrong is logged, and tried again
    by whoever comes next. `progress` is told of each how far it is.
    """
    rows = runtime.ledger.read(rebuilds.unfinished)
    taken, end = 0, time.monotonic() + seconds
    for row in rows:
        schema = runtime.schemas.by_uid(row.index_uid)
        if schema is None or (row.mode != Mode.CELERY and row.phase != Phase.KEPT):
            continue
        if schema.fingerprint() != row.fingerprint and row.phase != Phase.KEPT:
            continue
        held = acquire(runtime, schema, row) if _wants(row) and not _by_hand(runtime, row.index_uid) else None
        if held is None:
            continue
        taken += 1
        left = Left.DONE
        try:
            left = _drive(held, end, progress, works=works)
        except RebuildError:
            continue  # a command took it over
        except ScrypathError as exc:
            log("rebuild_not_continued", rebuild=row.id, schema=schema.name, error=exc.code)
        finally:
            held.release()
        if left is Left.TO_ANYBODY or (left is Left.TO_OTHERS and not _others_are_at_it(runtime, row)):
            runtime.publish(row.index_uid, (0,), cause=cause_of(row.operation))  # whoever gets it goes on at once
    return taken


class Left(Enum):
    """Why a process drives a rebuild no more: nothing is to be done now, its time is over, or others run its works."""

    DONE = auto()
    TO_ANYBODY = auto()
    TO_OTHERS = auto()


def _wants(row: Rebuild) -> bool:
    """Whether there is anything to do but to wait for a command."""
    return row.phase != Phase.CUT_OVER or bool(row.tried) or (not row.blocked and bool(row.options.get("cutover")))


def _drive(held: Held, end: float, progress: RebuildProgress | None, *, works: bool) -> Left:
    """Take steps until `end`, or until there is nothing to do here."""
    if expired(held):
        give_up(held, Phase.EXPIRED, "nothing has moved in it for longer than a rebuild is kept")
        return Left.DONE
    runtime = held.runtime
    look, uid = runtime.options.poll_max, held.row.index_uid
    waiting = Waiting(runtime=runtime, uid=uid, look=look, has_work=_anything_ready)
    while time.monotonic() < end:
        turn = step(held)
        if progress is not None:
            report(held.row, partial(progress, held.row), held.runtime)
        if turn in (Turn.OVER, Turn.STOPPED):
            return Left.DONE
        if turn is not Turn.WAITING or (works and _run_works(held)):
            waiting.reset()
            continue
        if _others_are_at_it(runtime, held.row):
            return Left.TO_OTHERS
        # Only the engine is waited for, and only where this process has nothing else to do: what comes next is due
        # as soon as it is done, and the relay comes back here no sooner than its period is over.
        if runtime.ledger.read(_anything_ready):
            return Left.DONE
        waiting.wait()
    return Left.TO_ANYBODY


def _others_are_at_it(runtime: Runtime, row: Rebuild) -> bool:
    """Whether works of a rebuild are run or can be: the end of that task comes back to it.

    Asked again once it is let go: a task that ended while it was held found it taken.
    """
    found = runtime.ledger.read(lambda tx: rebuilds.tally(tx, row.id))
    return any(state in found for state in (*READY, State.RUNNING))


def _anything_ready(connection: Connection) -> bool:
    return bool(ready.uids(connection, *READY))


def _run_works(held: Held) -> int:
    bulk = True if held.runtime.options.bulk_queue else None
    return run_ready_works(held.runtime, held.row.index_uid, seconds=SLICE, bulk=bulk).claims


def expire(runtime: Runtime) -> int:
    """Give up the rebuilds that wait for a command for longer than they are kept; how many."""
    given = 0
    for row in runtime.ledger.read(rebuilds.unfinished):
        schema = runtime.schemas.by_uid(row.index_uid)
        if schema is None or row.phase in (Phase.KEPT, Phase.AFTER_SWAP):
            continue
        held = Held(runtime=runtime, schema=schema, row=row)
        if expired(held):
            mine = acquire(runtime, schema, row)
            if mine is not None:
                give_up(mine, Phase.EXPIRED, "nothing has moved in it for longer than a rebuild is kept")
                given += 1
    return given


def report(row: Rebuild, progress: Progress, runtime: Runtime) -> None:
    """Say how far a rebuild is."""
    if row.phase == Phase.CATCH_UP:
        found = runtime.ledger.read(lambda tx: rebuilds.tally(tx, row.id))
        left = sum(found[state][1] for state in OPEN if state in found)
        caught = row.counts.get("caught_up", 0)
        progress(row.phase, caught - min(left, caught), caught)
        return
    total = row.counts.get("total")
    progress(row.phase, row.counts.get("filled", 0), total)


def _by_hand(runtime: Runtime, uid: str) -> PauseByHand | None:
    row = _index(runtime, uid)
    return None if row is None else row.pause_by_hand


def _index(runtime: Runtime, uid: str) -> IndexRow | None:
    return runtime.ledger.read(lambda tx: indexes.get(tx, uid))


def refuse_paused(runtime: Runtime, uid: str) -> None:
    """Raise where an operator paused this index.

    Raises:
        IndexPaused: it is paused by hand; the message says by whom and why. LedgerError: the ledger cannot be read.
    """
    _refuse_by_hand(runtime, uid, _by_hand(runtime, uid))


def _refuse_by_hand(runtime: Runtime, uid: str, pause: PauseByHand | None) -> None:
    if pause is not None:
        schema = runtime.schemas.by_uid(uid)
        name = uid if schema is None else schema.name
        resume = f"resume it with `scrypath-celery resume {name}`, then run the same command again"
        raise IndexPaused(f"{name} was paused by {pause.by} ({pause.reason}): {resume}")


def _refuse_pause(runtime: Runtime, uid: str, *, moved: bool) -> None:
    """The same, and for any other pause, unless works have `moved` all the same."""
    row = _index(runtime, uid)
    _refuse_by_hand(runtime, uid, None if row is None else row.pause_by_hand)
    # A pause that concerns the live index alone is what a rebuild may end.
    if row is not None and row.pause is not None and row.pause.scope is not Scope.INDEX and not moved:
        raise IndexPaused(
            f"index {uid} is paused ({row.pause.reason_class}: {row.pause.reason}); run the same command again"
            " when that is over"
        )
