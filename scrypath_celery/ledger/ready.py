"""Ready works, found in the order in which they are claimed: what is asked costs what is ready, not what waits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Connection,
    Integer,
    Row,
    Select,
    bindparam,
    literal_column,
    select,
    union_all,
)

from ..work import PRIORITY, READY, State
from .clock import now
from .tables import among, in_state, work
from .works import known


def any_ready(connection: Connection, index_uid: str) -> bool:
    """Whether any work of an index could be claimed now."""
    return any(ready_priorities(connection, index_uid).values())


def still_ready(connection: Connection, ids: Sequence[int]) -> list[int]:
    """Those of these works that could be claimed now and were not."""
    query = select(work.c.id).where(work.c.id.in_(ids), in_state(*READY), work.c.available_at <= now())
    return list(connection.execute(query).scalars())


def ready_priorities(connection: Connection, index_uid: str) -> dict[int, bool]:
    """Whether works of each priority could be claimed (or resolved) now; with one statement."""
    row = connection.execute(_first_of_each(), {"uid": index_uid}).one()
    size = len(READY)
    return {
        priority: any(id is not None for id in row[place * size : (place + 1) * size])
        for place, priority in enumerate(_PRIORITIES)
    }


_PRIORITIES = sorted(set(PRIORITY.values()))


@cache
def _first_of_each() -> Select[Any]:
    return select(*(_first(state, priority).scalar_subquery() for priority in _PRIORITIES for state in READY))


def _first(state: State, priority: int) -> Select[Any]:
    # Under a short name: psycopg parses a statement of more than 4,096 letters anew each time.
    item = work.alias("w")
    chosen = (item.c.index_uid == bindparam("uid")) & (item.c.priority == literal_column(str(priority)))
    query = select(item.c.id).where(among(item.c.state, [state]), chosen, item.c.available_at <= now())
    return query.where(known(item)).order_by(item.c.available_at, item.c.id).limit(1)


ANY_REBUILD = -1
"""In place of a rebuild's id: works of all rebuilds."""


def claimable(
    connection: Connection,
    index_uid: str,
    priority: int,
    *,
    limit: int,
    rebuild_id: int | None = ANY_REBUILD,
    suspect: int = 0,
) -> list[Row[Any]]:
    """Works of an index and priority that may be claimed now, at most `limit` of each state, the longest waiting first.

    Those of a state are one range of an index of the database, in its order: no more of them are read than are taken,
    however many works wait for a later time. Those of a newer release, of another rebuild, and those on trial that were
    claimed less than `suspect` times are left out.
    """
    values = {"uid": index_uid, "most": limit, "rebuild": rebuild_id or 0, "suspect": suspect}
    return sorted(connection.execute(_ready_of(priority), values), key=lambda row: (row.available_at, row.id))


@cache
def _ready_of(priority: int) -> CompoundSelect[Any]:
    parts = [_ready(state, priority).subquery(state.value) for state in READY]
    return union_all(*map(select, parts))


def _ready(state: State, priority: int) -> Select[Any]:
    # Built once: building a statement anew costs more than running it.
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
