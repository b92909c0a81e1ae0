"""One step of a rebuild, by its phase: short, resumable, and the same whoever drives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from sqlalchemy import Connection

from ..declaration.changes import DOCUMENTS
from ..ledger import declared, marks, overview, rebuilds
from ..work import Operation
from .after_swap import after_swap, keep
from .catch_up import SMALL, begin_round, catch_up, failed_works, noted_now, open_works
from .create import confirm, create
from .cutover import TargetGone, cut_over
from .fill import is_filled, pump
from .gate import Code, blocks
from .held import Held
from .orphans import is_searched, orphans
from .phases import ENDS, Phase


class Turn(StrEnum):
    """What a step came to: it moved, it waits for works or a time, it waits for a command, or all is over."""

    MOVED = "moved"
    WAITING = "waiting"
    STOPPED = "stopped"
    OVER = "over"


def step(held: Held) -> Turn:
    """Do what comes next.

    Raises:
        RebuildError: another process took the rebuild over.
        EngineError, SourceError, LedgerError: a part is unreachable; the same step is taken again later.
    """
    return OVER if held.phase in ENDS else STEPS[held.phase](held)


OVER, MOVED, WAITING, STOPPED = Turn.OVER, Turn.MOVED, Turn.WAITING, Turn.STOPPED


def _create(held: Held) -> Turn:
    create(held)
    return MOVED


def _fill(held: Held) -> Turn:
    to_target = held.row.operation is Operation.REINDEX
    made = not to_target or confirm(held)
    moved = pump(held)
    if not made or not is_filled(held.row.ranges):
        return MOVED if moved else WAITING
    held.save(phase=Phase.CATCH_UP if to_target else Phase.ORPHANS)
    return MOVED


def _orphans(held: Held) -> Turn:
    if not held.row.options.get("part") and not is_searched(held):
        orphans(held)
        return MOVED
    if open_works(held):
        held.renew()
        return WAITING
    row, failed = held.row, failed_works(held)[0]
    whole = not row.options.get("part") and not failed

    def repaired(tx: Connection) -> None:
        if whole:
            marks.end_loss(tx, row.index_uid, before=row.created_at)
            declared.note(tx, row.index_uid, held.schema.declared, (DOCUMENTS,))

    held.save(phase=Phase.DONE, also=repaired)
    return OVER


def _catch_up(held: Held) -> Turn:
    return MOVED if catch_up(held) else WAITING


def _cut_over(held: Held) -> Turn:
    row = held.row
    if not row.tried:
        if row.blocked or not row.options.get("cutover"):
            return STOPPED
        found = blocks(held)
        if found:
            held.save(blocked=[{"code": str(code), "text": text} for code, text in found.items()])
            return STOPPED
        left = held.runtime.ledger.read(lambda tx: rebuilds.claimed_since(tx, row.index_uid, row.noted))
        if len(left[1]) > SMALL and row.counts.get("again", 0) < 3:
            held.save(counts={**held.count(again=1)})
            begin_round(held)
            return MOVED
        oldest = held.runtime.ledger.run(lambda tx: noted_now(tx, row.index_uid))
        held.save(rollback_from=min(oldest, row.noted))
    try:
        cut_over(held)
    except TargetGone:
        held.save(blocked=[{"code": Code.TARGET_MISSING.value, "text": f"the target {held.target} is gone"}], tried=0)
        return STOPPED
    return MOVED


def _after_swap(held: Held) -> Turn:
    after_swap(held)
    return OVER if held.phase in ENDS else MOVED


def _kept(held: Held) -> Turn:
    moved = keep(held)
    if held.phase in ENDS:
        return OVER
    return MOVED if moved else STOPPED


STEPS: Mapping[Phase, Callable[[Held], Turn]] = {
    Phase.CREATE: _create,
    Phase.FILL: _fill,
    Phase.ORPHANS: _orphans,
    Phase.CATCH_UP: _catch_up,
    Phase.CUT_OVER: _cut_over,
    Phase.AFTER_SWAP: _after_swap,
    Phase.KEPT: _kept,
}


def expired(held: Held) -> bool:
    """Whether the rebuild waits for its cut-over, or has not moved, for longer than it is kept."""
    if held.phase in (Phase.KEPT, Phase.AFTER_SWAP):
        return False
    now = held.runtime.ledger.read(overview.time)
    return now - held.row.updated_at > held.runtime.options.rebuild_expires
