"""Catch-up: what was claimed since the last note is read again and sent to the target, until little is left."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from ..ledger import claims, indexes, rebuilds, works
from ..work import OPEN, Cause, Mode, Operation, State
from .held import Held
from .phases import Phase

SMALL = 1_000
"""Documents below which what is left to catch up is small enough to cut over."""
ROUNDS = 10
"""Rounds after which the cut-over is tried all the same: what is left is re-synced after the swap."""


def noted_now(connection: Connection, uid: str) -> int:
    """The claim number after which a content that is read from now on has to catch up.

    The oldest claim that is still held counts too: it may have read before and send after what is read now.
    """
    indexes.ensure(connection, uid)
    row = indexes.get(connection, uid)
    lowest = claims.lowest_held(connection, uid)
    number = row.last_number if row is not None else 0
    return number if lowest is None else min(number, lowest - 1)


def open_works(held: Held) -> int:
    """How many works of the rebuild are not settled."""
    found = held.runtime.ledger.read(lambda tx: rebuilds.tally(tx, held.row.id))
    return sum(found[state][0] for state in OPEN if state in found)


def failed_works(held: Held) -> tuple[int, int]:
    """How many works of the rebuild are dead letters or were cancelled, and how many documents they hold."""
    found = held.runtime.ledger.read(lambda tx: rebuilds.tally(tx, held.row.id))
    left = [found.get(state, (0, 0)) for state in (State.FAILED, State.CANCELLED)]
    return sum(works for works, _ in left), sum(documents for _, documents in left)


def catch_up(held: Held) -> bool:
    """One step: note what was reached, or write the works of the next round; false where works are awaited."""
    if open_works(held):
        held.renew()
        return False
    if held.row.catching is not None:
        # Its works are settled: those that failed stand in the way of the cut-over, not of the note.
        small = held.row.counts.get("round", 0) <= SMALL or held.row.rounds >= ROUNDS
        more = bool(held.row.counts.get("more"))
        phase = Phase.CUT_OVER if small and not more else Phase.CATCH_UP
        held.save(noted=held.row.catching, catching=None, rounds=held.row.rounds + (not more), phase=phase)
        return True
    begin_round(held)
    return True


def begin_round(held: Held) -> int:
    """Write works for all documents claimed since the last note; how many documents."""
    row, uid = held.row, held.row.index_uid
    upto, ids, more = held.runtime.ledger.read(lambda tx: rebuilds.claimed_since(tx, uid, row.noted))
    counts = {**held.count(caught_up=len(ids)), "round": len(ids), "more": more}
    written: Sequence[int] = ()

    def write(tx: Connection) -> None:
        nonlocal written
        if ids:
            written = works.write(tx, uid, Operation.REINDEX, ids, Mode.CELERY, rebuild_id=row.id)

    held.save(catching=upto, counts=counts, phase=Phase.CATCH_UP, also=write)
    if written and row.mode == Mode.CELERY:
        held.runtime.publish(uid, tuple(written), cause=Cause.REINDEX, documents=len(ids))
    return len(ids)
