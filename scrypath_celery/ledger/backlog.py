"""How much bulk work (of backfills and rebuilds) is on its way to the engine, and whether single changes come in."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from ..work import BULK, OPEN, PRIORITY, READY, Operation, State
from . import ready as ordered
from .clock import now
from .tables import in_state, work

_SINGLE = work.c.priority == PRIORITY[Operation.UPSERT]
_BULK = work.c.priority > PRIORITY[Operation.UPSERT]


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Documents of bulk works that are read, sent or waited for, of all indexes; `live`: single changes come in."""

    documents: int
    live: bool


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Whether single changes, and bulk works, of an index could be claimed now."""

    live: bool
    bulk: bool


def look(connection: Connection, *, recent: float) -> Backlog:
    """What is on its way; single changes count that are not settled, or were in the last `recent` seconds.

    All indexes count, since the engine runs one batch at a time whatever the index.
    """
    on_its_way = in_state(State.RUNNING, State.SUBMITTED)
    documents = connection.execute(select(func.sum(work.c.documents)).where(on_its_way, _BULK)).scalar()
    return Backlog(documents=int(documents or 0), live=_live(connection, recent))


def _live(connection: Connection, recent: float) -> bool:
    unsettled = select(work.c.id).where(in_state(*OPEN), _SINGLE).limit(1)
    if connection.execute(unsettled).first() is not None:
        return True
    for uid in ordered.uids(connection, State.SUCCEEDED):  # one range of the database's index for each
        settled = (work.c.index_uid == uid) & (work.c.finished_at > now() - recent)
        query = select(work.c.id).where(in_state(State.SUCCEEDED), settled, _SINGLE).limit(1)
        if connection.execute(query).first() is not None:
            return True
    return False


def ready(connection: Connection, uid: str) -> Ready:
    """What of an index could be claimed now."""
    found = ordered.ready_priorities(connection, uid)
    return Ready(live=found[PRIORITY[Operation.UPSERT]], bulk=any(found[PRIORITY[operation]] for operation in BULK))


def resume_soon(connection: Connection, uid: str, seconds: float) -> None:
    """Let the relay give the bulk work of an index that waits longest to Celery in `seconds` at the latest."""
    found = (ordered.claimable(connection, uid, PRIORITY[operation], limit=1) for operation in BULK)
    first = next((rows[0] for rows in found if rows), None)
    if first is not None:
        sooner = (work.c.id == first.id) & in_state(*READY) & (work.c.publish_after > now() + seconds)
        connection.execute(update(work).where(sooner).values(publish_after=now() + seconds))
