"""Works for later: one a document, which a later call for the same document replaces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, select, update

from ..work import MAX_IDS, Mode, Operation, State
from . import works
from .clock import now
from .tables import scheduled, work

_KEPT = 86_400.0
"""How long (seconds) it is remembered which work was a document's scheduled one, once that is due."""
_LAST = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""The last time that works are scheduled for: seconds are rounded, and nothing shows a date beyond its year."""


def write(connection: Connection, index_uid: str, ids: Sequence[str], at: float) -> tuple[int, ...]:
    """Write a work for each id that is due at `at` (seconds since the epoch), in the caller's transaction.

    It takes the place of the one that was scheduled for the same document, unless that is due already.
    """
    old = _of(connection, index_uid, ids)
    at, written = min(at, _LAST), []
    for id in dict.fromkeys(ids):
        [work_id] = works.write(connection, index_uid, Operation.UPSERT, (id,), Mode.CELERY, publish_after=0.0)
        told = [{"state": "scheduled", "due": at}]
        later = update(work).where(work.c.id == work_id)
        connection.execute(later.values(available_at=at, publish_after=at, history=told))
        connection.execute(scheduled.insert().values(index_uid=index_uid, document_id=id, work_id=work_id, due_at=at))
        written.append(work_id)
    _remove(connection, old)
    return tuple(written)


def drop(connection: Connection, index_uid: str, ids: Sequence[str]) -> None:
    """Remove what was scheduled for these documents and is not due yet."""
    _remove(connection, _of(connection, index_uid, ids))


def _of(connection: Connection, index_uid: str, ids: Sequence[str]) -> list[int]:
    """The works that are scheduled for these documents."""
    found: list[int] = []
    for start in range(0, len(ids), MAX_IDS):
        some = scheduled.c.document_id.in_(ids[start : start + MAX_IDS])
        query = select(scheduled.c.work_id).where(scheduled.c.index_uid == index_uid, some)
        found += connection.execute(query).scalars()
    return found


def _remove(connection: Connection, old: Sequence[int]) -> None:
    """Remove works that are not due yet.

    What another transaction holds is left to it: it removes that itself, or has claimed it. Whoever waited for it could
    be waited for in turn, since a transaction schedules its documents in whatever order the application names them.
    """
    # One by one, and after the new ones are written: for a list MariaDB may read, and lock, the whole table, and for a
    # work that is gone by now it locks the gap, which may be the end of the table.
    for id in sorted(old):
        free = select(work.c.id).where(work.c.id == id).with_for_update(skip_locked=True)
        if connection.execute(free).scalar() is not None:
            waiting = (work.c.state == State.PENDING.value) & (work.c.available_at > now())
            connection.execute(delete(work).where(work.c.id == id, waiting))
            connection.execute(delete(scheduled).where(scheduled.c.work_id == id))


def waiting(connection: Connection, index_uid: str) -> tuple[int, float | None]:
    """How many works of an index are scheduled, and when the next of them is due (seconds since the epoch)."""
    query = select(func.count(), func.min(scheduled.c.due_at)).where(
        scheduled.c.index_uid == index_uid, scheduled.c.due_at > now()
    )
    count, next_at = connection.execute(query).one()
    return int(count), next_at


def prune(connection: Connection, index_uid: str) -> int:
    """Forget what of an index has been due for a day; how many."""
    over = (scheduled.c.index_uid == index_uid) & (scheduled.c.due_at < now() - _KEPT)
    return connection.execute(delete(scheduled).where(over)).rowcount
