"""Rows of indexes: claim numbers, pauses, exclusive trials, rebuilds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Update, bindparam, case, select, true, update

from ..declaration.generation import generation_of
from ..notices import IndexPaused, IndexResumed
from ..work import Failure, IndexRow, Pause, PauseByHand, ReasonClass, Scope
from . import noted
from .clock import now
from .tables import index


def ensure(connection: Connection, uid: str) -> None:
    """Make the row of an index where it is missing; in a transaction of ours, never in the caller's."""
    if connection.execute(select(index.c.index_uid).where(index.c.index_uid == uid)).first() is None:
        connection.execute(index.insert().values(index_uid=uid, last_number=0, pauses=0))


def lock(connection: Connection, uid: str) -> None:
    """Hold the row of an index until the transaction ends."""
    connection.execute(select(index.c.index_uid).where(index.c.index_uid == uid).with_for_update())


def get(connection: Connection, uid: str) -> IndexRow | None:
    """The row of one index."""
    row = connection.execute(select(index).where(index.c.index_uid == uid)).one_or_none()
    return None if row is None else record(row)


def listed(connection: Connection) -> list[IndexRow]:
    """The rows of all indexes, by uid."""
    return [record(row) for row in connection.execute(select(index).order_by(index.c.index_uid))]


def record(row: Row[Any]) -> IndexRow:
    """The frozen record of a row of `scrypath_index`."""
    pause = None
    if row.paused_until is not None:
        pause = Pause(
            reason_class=ReasonClass.read(row.pause_class),
            reason=row.pause_reason or "",
            since=row.paused_since,
            until=row.paused_until,
            count=row.pauses,
            scope=Scope(row.pause_scope) if row.pause_scope else None,
        )
    by_hand = None
    if row.hand_paused_since is not None:
        reason = row.hand_pause_reason or ""
        by_hand = PauseByHand(since=row.hand_paused_since, by=row.hand_paused_by or "", reason=reason)
    return IndexRow(
        uid=row.index_uid,
        last_number=row.last_number,
        pause=pause,
        pause_by_hand=by_hand,
        exclusive_until=row.exclusive_until,
        rebuild=row.rebuild,
        fingerprint=row.fingerprint,
        declared=row.declared,
        high_uid=row.high_uid,
        lost_since=row.lost_since,
    )


def in_generation(connection: Connection, column: ColumnElement[str], generation: int) -> ColumnElement[bool]:
    """The criterion that a column names an index of this generation; none where the ledger knows no other."""
    known = list(connection.execute(select(index.c.index_uid)).scalars())
    found = [uid for uid in known if generation_of(uid) == generation]
    return true() if len(found) == len(known) else column.in_(found)


def pause(connection: Connection, uid: str, failure: Failure, delay: float) -> None:
    """Let nothing of this index be tried for `delay` seconds; a probe ends the pause."""
    other = index.c.pause_class.is_(None) | (index.c.pause_class != failure.reason_class.value)
    begins = select(index.c.index_uid).where(index.c.index_uid == uid, index.c.paused_until.is_(None) | other)
    if connection.execute(begins).first() is not None:
        reason_class, scope = failure.reason_class, failure.scope
        noted.note(connection, IndexPaused(index_uid=uid, reason_class=reason_class, scope=scope, seconds=delay))
    connection.execute(
        update(index)
        .where(index.c.index_uid == uid)
        .values(
            paused_until=now() + delay,
            paused_since=case((index.c.paused_since.is_(None), now()), else_=index.c.paused_since),
            pauses=index.c.pauses + 1,
            pause_class=failure.reason_class.value,
            pause_scope=failure.scope.value,
            pause_reason=failure.reason[:500],
        )
    )


def resume(connection: Connection, uid: str) -> bool:
    """End the pause of an index; whether there was one."""
    values: dict[str, Any] = dict.fromkeys(("paused_until", "pause_class", "pause_scope", "pause_reason"))
    query = update(index).where(index.c.index_uid == uid, index.c.paused_until.is_not(None))
    ended = connection.execute(query.values(**values, pauses=0)).rowcount > 0
    if ended:
        _note_resumed(connection, uid, index.c.paused_since, by_hand=False)
    return ended


def pause_by_hand(connection: Connection, uid: str, *, by: str, reason: str) -> None:
    """Let nothing of this index be tried until `resume_by_hand`; again it changes who and why, not since when."""
    ensure(connection, uid)
    found = get(connection, uid)
    if found is not None and found.pause_by_hand is None:
        noted.note(connection, IndexPaused(index_uid=uid, by_hand=True))
    since = case((index.c.hand_paused_since.is_(None), now()), else_=index.c.hand_paused_since)
    values = {"hand_paused_since": since, "hand_paused_by": by[:200], "hand_pause_reason": reason[:500]}
    connection.execute(update(index).where(index.c.index_uid == uid).values(**values))


def resume_by_hand(connection: Connection, uid: str) -> bool:
    """End a pause by hand; whether there was one. One that ends by itself stays."""
    query = update(index).where(index.c.index_uid == uid, index.c.hand_paused_since.is_not(None))
    ended = connection.execute(query.values(hand_paused_by=None, hand_pause_reason=None)).rowcount > 0
    if ended:
        _note_resumed(connection, uid, index.c.hand_paused_since, by_hand=True)
    return ended


def _note_resumed(connection: Connection, uid: str, since: Column[Any], *, by_hand: bool) -> None:
    """Note how long an index was paused, and forget since when."""
    here = index.c.index_uid == uid
    seconds = connection.execute(select(now() - since).where(here)).scalar()
    connection.execute(update(index).where(here).values({since: None}))
    noted.note(connection, IndexResumed(index_uid=uid, by_hand=by_hand, seconds=float(seconds or 0.0)))


def enter(connection: Connection, uid: str, token: str, seconds: float) -> bool:
    """Keep other trials of an index away (or go on doing so); false where another trial is on."""
    free = (index.c.exclusive_token == token) | index.c.exclusive_until.is_(None) | (index.c.exclusive_until < now())
    query = update(index).where(index.c.index_uid == uid, free)
    return connection.execute(query.values(exclusive_token=token, exclusive_until=now() + seconds)).rowcount > 0


def leave(connection: Connection, uid: str, token: str) -> None:
    """End a trial."""
    connection.execute(_leave(), {"uid": uid, "token": token})


@cache
def _leave() -> Update:
    mine = (index.c.index_uid == bindparam("uid")) & (index.c.exclusive_token == bindparam("token"))
    return update(index).where(mine).values(exclusive_token=None, exclusive_until=None)


def write_rebuild(connection: Connection, uid: str, rebuild: Mapping[str, Any] | None) -> None:
    """Note how far the rebuild of an index is; None where none is under way."""
    connection.execute(update(index).where(index.c.index_uid == uid).values(rebuild=rebuild))
