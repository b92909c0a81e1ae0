"""How much bulk work (of backfills and rebuilds) is on its way to the engine, and whether single changes come in."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from ..work import BULK, LIVE, OPEN, READY, State
from .clock import now
from .tables import work


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """Documents of bulk works that are read, sent or waited for, of all indexes; `live`: single changes come in."""

    documents: int
    live: bool


def look(connection: Connection, *, recent: float) -> Backlog:
    """What is on its way; single changes count that are not settled, or were in the last `recent` seconds.

    All indexes count, since the engine runs one batch at a time whatever the index.
    """
    on_its_way = work.c.state.in_([State.RUNNING.value, State.SUBMITTED.value])
    bulk = work.c.operation.in_([operation.value for operation in BULK])
    documents = connection.execute(select(func.sum(work.c.documents)).where(on_its_way, bulk)).scalar()
    return Backlog(documents=int(documents or 0), live=_live(connection, recent))


def _live(connection: Connection, recent: float) -> bool:
    single = work.c.operation.in_([operation.value for operation in LIVE])
    unsettled = work.c.state.in_([state.value for state in OPEN])
    settled = (work.c.state == State.SUCCEEDED.value) & (work.c.finished_at > now() - recent)
    queries = (select(work.c.id).where(single, chosen).limit(1) for chosen in (unsettled, settled))
    return any(connection.execute(query).first() is not None for query in queries)


def any_ready(connection: Connection, uid: str) -> bool:
    """Whether any bulk work of an index could be claimed now."""
    ready = work.c.state.in_([state.value for state in READY]) & (work.c.available_at <= now())
    bulk = work.c.operation.in_([operation.value for operation in BULK])
    query = select(work.c.id).where(ready, work.c.index_uid == uid, bulk).limit(1)
    return connection.execute(query).first() is not None


def resume_soon(connection: Connection, uid: str, seconds: float) -> None:
    """Let the relay give the oldest ready bulk work of an index to Celery in `seconds` at the latest."""
    ready = work.c.state.in_([state.value for state in READY])
    bulk = work.c.operation.in_([operation.value for operation in BULK])
    query = select(work.c.id).where(ready, work.c.index_uid == uid, bulk).order_by(work.c.id).limit(1)
    oldest = connection.execute(query).scalar()
    if oldest is not None:
        sooner = (work.c.id == oldest) & ready & (work.c.publish_after > now() + seconds)
        connection.execute(update(work).where(sooner).values(publish_after=now() + seconds))
