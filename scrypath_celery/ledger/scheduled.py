"""Works for later: one a document, which a later call for the same document replaces."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select, update

from ..work import MAX_IDS, Mode, Operation, State
from . import works
from .clock import now
from .tables import scheduled, work

_KEPT = 86_400.0
"""How long (seconds) it is remembered which work was a document's scheduled one, once that is due."""


def write(connection: Connection, index_uid: str, ids: Sequence[str], at: float) -> tuple[int, ...]:
    """Write a work for each id that is due at `at` (seconds since the epoch), in the caller's transaction.

    It takes the place of the one that was scheduled for the same document, unless that is due already.
    """
    for start in range(0, len(ids), MAX_IDS):
        _remove(connection, index_uid, ids[start : start + MAX_IDS])
    written = []
    for id in dict.fromkeys(ids):
        [work_id] = works.write(connection, index_uid, Operation.UPSERT, (id,), Mode.CELERY, publish_after=0.0)
        told = [{"state": "scheduled", "due": at}]
        later = update(work).where(work.c.id == work_id)
        connection.execute(later.values(available_at=at, publish_after=at, history=told))
        connection.execute(scheduled.insert().values(index_uid=index_uid, document_id=id, work_id=work_id, due_at=at))
        written.append(work_id)
    return tuple(written)


def _remove(connection: Connection, index_uid: str, ids: Sequence[str]) -> None:
    old = connection.execute(
        select(scheduled.c.work_id).where(scheduled.c.index_uid == index_uid, scheduled.c.document_id.in_(ids))
    ).scalars()
    replaced = list(old)
    if replaced:
        waiting = (work.c.state == State.PENDING.value) & (work.c.available_at > now())
        connection.execute(delete(work).where(work.c.id.in_(replaced), waiting))
        connection.execute(delete(scheduled).where(scheduled.c.work_id.in_(replaced)))


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
