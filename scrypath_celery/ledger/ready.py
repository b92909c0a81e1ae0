"""Ready works, found in the order in which they are claimed: what is asked costs what is ready, not what waits."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, Row, Select, bindparam, select

from ..work import PRIORITY, READY, State
from .clock import now
from .tables import in_state, work
from .works import known


def any_ready(connection: Connection, index_uid: str) -> bool:
    """Whether any work of an index could be claimed now."""
    return any(ready_priorities(connection, index_uid).values())


def ready_priorities(connection: Connection, index_uid: str) -> dict[int, bool]:
    """Whether works of each priority could be claimed (or resolved) now; with one statement."""
    values = {"uid": index_uid, "most": 1, "rebuild": ANY_REBUILD, "suspect": 0}
    row = connection.execute(_first_of_each(), values).one()
    size = len(READY)
    return {
        priority: any(id is not None for id in row[place * size : (place + 1) * size])
        for place, priority in enumerate(_PRIORITIES)
    }


_PRIORITIES = sorted(set(PRIORITY.values()))


@cache
def _first_of_each() -> Select[Any]:
    found = [
        _ready(state, priority).with_only_columns(work.c.id).scalar_subquery()
        for priority in _PRIORITIES
        for state in READY
    ]
    return select(*found)


ANY_REBUILD = -1
"""In place of a rebuild's id: works of all rebuilds."""


def claimable(
    connection: Connection,
    index_uid: str,
    state: State,
    priority: int,
    *,
    limit: int,
    rebuild_id: int | None = ANY_REBUILD,
    suspect: int = 0,
) -> list[Row[Any]]:
    """Works of an index, state and priority that may be claimed now, those first that wait longest.

    They are one range of an index of the database, in its order: no more of them are read than are taken, however many
    works wait for a later time. Those of a newer release, of another rebuild, and those on trial that were claimed less
    than `suspect` times are left out.
    """
    values = {"uid": index_uid, "most": limit, "rebuild": rebuild_id or 0, "suspect": suspect}
    return list(connection.execute(_ready(state, priority), values))


@cache
def _ready(state: State, priority: int) -> Select[Any]:
    # Built once each: building a statement anew costs more than running it.
    query = select(work.c.id, work.c.documents, work.c.claims, work.c.operation, work.c.available_at)
    query = query.where(in_state(state), work.c.index_uid == bindparam("uid"), work.c.priority == priority)
    wanted = bindparam("rebuild", type_=BigInteger)
    mine = work.c.rebuild_id.is_(None) | (work.c.rebuild_id == wanted) | (wanted == ANY_REBUILD)
    untried = work.c.trial.is_(None) | (work.c.claims >= bindparam("suspect", type_=Integer))
    query = query.where(work.c.available_at <= now(), known(), mine, untried)
    return query.order_by(work.c.available_at, work.c.id).limit(bindparam("most", type_=Integer))


def uids(connection: Connection, *states: State) -> list[str]:
    """The indexes with works in any of these states, ready or settled ones; costs what there are of them alone."""
    found: set[str] = set()
    for state in states:
        last: str | None = ""
        while last is not None:
            last = connection.execute(_next_uid(state), {"last": last}).scalar()
            if last is not None:
                found.add(last)
    return sorted(found)


@cache
def _next_uid(state: State) -> Select[Any]:
    # Named to the end, so that only the database's index of these states is in this order.
    order = [work.c.priority, work.c.available_at] if state in READY else [work.c.finished_at]
    query = select(work.c.index_uid).where(in_state(state), work.c.index_uid > bindparam("last"))
    return query.order_by(work.c.index_uid, *order).limit(1)
