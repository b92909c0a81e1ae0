"""Works that a filter chooses: pages of them, their ids, how many there are, and how many by what.

What is asked reads ranges of the database's indexes, one for each index of the engine and state: a page costs what it
shows and what its filter passes over, however long the history is.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, Text, bindparam, func, select, type_coerce

from ..work import ENDED, ReasonClass, State, Work
from . import works
from .clock import hour
from .tables import in_state, work


class Order(StrEnum):
    """Which works come first, by when they ended (or were written, where they never did)."""

    NEWEST = "newest"
    OLDEST = "oldest"


class Grouping(StrEnum):
    """What works are counted by."""

    CLASS = "class"
    CODE = "code"
    SCHEMA = "schema"
    HOUR = "hour"


@dataclass(frozen=True, kw_only=True)
class WorkFilter:
    """Which works are meant; a part that is None leaves all.

    `index_uids` are the unprefixed uids of schemas' indexes. `since` and `until` are seconds since the epoch on the
    ledger's clock, and concern when a work last ended, or was written where it never did; `since` is in the range,
    `until` is not. `ids` are ids of works, `document` is the id of a document that is named by them.
    """

    states: tuple[State, ...]
    index_uids: tuple[str, ...] | None = None
    reason_class: ReasonClass | None = None
    code: str | None = None
    since: float | None = None
    until: float | None = None
    document: str | None = None
    ids: tuple[int, ...] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it leaves all works of its states and index."""
        parts = (self.reason_class, self.code, self.since, self.until, self.document, self.ids)
        return all(part is None for part in parts)


@dataclass(frozen=True, kw_only=True)
class Group:
    """How many works of a state have this key: a class, a code, the uid of an index, or the start of an hour."""

    key: str | float | None
    state: State
    count: int


def select_works(
    connection: Connection,
    chosen: WorkFilter,
    *,
    order: Order = Order.NEWEST,
    limit: int | None = None,
    after: int | None = None,
) -> list[Work]:
    """One page of works, at most `limit`; the one that follows the work `after` in this order.

    Raises:
        WorkError: there is no work `after`.
    """
    ids = select_ids(connection, chosen, order=order, limit=limit, after=after)
    found: dict[int, Work] = {}
    for start in range(0, len(ids), 1_000):
        found |= {item.id: item for item in works.find(connection, ids[start : start + 1_000])}
    return [found[id] for id in ids if id in found]


def select_ids(
    connection: Connection,
    chosen: WorkFilter,
    *,
    order: Order = Order.NEWEST,
    limit: int | None = None,
    after: int | None = None,
) -> list[int]:
    """The ids of the same works, in the same order.

    Raises:
        WorkError: there is no work `after`.
    """
    newest = order is Order.NEWEST
    place = None if after is None else _place(works.get(connection, after), chosen, newest=newest)
    pages: list[list[tuple[float, int]]] = []
    for state, query in _ranges(connection, chosen):
        time = time_of(state)
        # Of a class, SQLite would read all dead letters in order rather than those of the class, and sort these.
        sorted_apart = chosen.reason_class is not None and connection.dialect.name == "sqlite"
        query = _placed(query, time, place, time + 0.0 if sorted_apart else time, newest=newest)
        rows = connection.execute(query.with_only_columns(work.c.id, time.label("time")).limit(limit))
        pages.append([(float(row.time or 0.0), row.id) for row in rows])
    merged = heapq.merge(*pages, reverse=newest)
    return [id for (_, id), _ in zip(merged, _counted(limit), strict=False)]


def count_works(connection: Connection, chosen: WorkFilter) -> int:
    """How many works a filter leaves."""
    counts = (query.with_only_columns(func.count()) for _, query in _ranges(connection, chosen))
    return sum(int(connection.execute(query).scalar_one()) for query in counts)


def group_works(connection: Connection, chosen: WorkFilter, by: Grouping) -> list[Group]:
    """How many works a filter leaves, by state and by `by`, of each index; in no order."""
    found: list[Group] = []
    # Of a time, SQLite would read all dead letters in the order of their keys rather than those of the time.
    dated = (chosen.since, chosen.until) != (None, None) and connection.dialect.name == "sqlite"
    for state, query in _ranges(connection, chosen):
        key = _key(by, state)
        key = key.concat("") if dated and by is not Grouping.HOUR else key
        for value, count in connection.execute(query.with_only_columns(key, func.count()).group_by(key)):
            found.append(Group(key=value, state=state, count=int(count)))
    return found


def time_of(state: State) -> ColumnElement[float]:
    """The column that a work of this state is dated and ordered by."""
    return work.c.finished_at if state in ENDED else work.c.created_at


def _key(by: Grouping, state: State) -> ColumnElement[Any]:
    columns: dict[Grouping, ColumnElement[Any]] = {
        Grouping.CLASS: work.c.reason_class,
        Grouping.CODE: work.c.error_code,
        Grouping.SCHEMA: work.c.index_uid,
    }
    return columns[by] if by in columns else hour(time_of(state))


def _ranges(connection: Connection, chosen: WorkFilter) -> Iterator[tuple[State, Select[Any]]]:
    """The works that a filter leaves, by state and index: each a range of an index of the database."""
    for state in chosen.states:
        for uid in _uids(connection, chosen, state):
            yield state, _matching(connection, chosen, state, uid)


def _matching(connection: Connection, chosen: WorkFilter, state: State, uid: str) -> Select[Any]:
    query, time = select(work.c.id).where(in_state(state), work.c.index_uid == uid), time_of(state)
    if chosen.reason_class is not None:
        query = query.where(work.c.reason_class == chosen.reason_class.value)
    if chosen.code is not None:
        query = query.where(work.c.error_code == chosen.code)
    if chosen.since is not None:
        query = query.where(time >= chosen.since)
    if chosen.until is not None:
        query = query.where(time < chosen.until)
    if chosen.document is not None:
        query = query.where(_names(connection, chosen.document))
    if chosen.ids is not None:
        query = query.where(work.c.id.in_([id for id in chosen.ids if 0 < id <= works.MAX_ID]))
    return query


def _names(connection: Connection, document: str) -> ColumnElement[bool]:
    """The criterion that a work names a document, to the letter."""
    text, sought = type_coerce(work.c.ids, Text), orjson.dumps(document).decode()
    if connection.dialect.name == "sqlite":
        return func.instr(text, sought) > 0
    if connection.dialect.name in ("mysql", "mariadb"):
        return text.collate("utf8mb4_bin").contains(sought, autoescape=True)
    return text.contains(sought, autoescape=True)


def _placed(
    query: Select[Any],
    time: ColumnElement[float],
    place: tuple[float, int] | None,
    order: ColumnElement[float],
    *,
    newest: bool,
) -> Select[Any]:
    """The query in its order, and behind a place in it."""
    if place is not None:
        at, id = place
        ahead = (time < at) | (work.c.id < id) if newest else (time > at) | (work.c.id > id)
        # The first half is a range of the index; the second leaves out what the page before has shown of that moment.
        query = query.where(time <= at if newest else time >= at, ahead)
    return query.order_by(order.desc(), work.c.id.desc()) if newest else query.order_by(order, work.c.id)


def _place(item: Work, chosen: WorkFilter, *, newest: bool) -> tuple[float, int]:
    """Where a page ended that this work was the last of; it may have gone on since, and then has the place it had."""
    written, ended = item.created_at, item.finished_at if item.finished_at is not None else item.created_at
    if item.state not in chosen.states:
        return (max(written, ended) if newest else min(written, ended)), item.id
    return (ended if item.state in ENDED else written), item.id


def _uids(connection: Connection, chosen: WorkFilter, state: State) -> list[str]:
    """The uids of the indexes that have works of this state; costs what there are of them alone."""
    if chosen.index_uids is not None:
        return list(chosen.index_uids)
    found: list[str] = []
    last: str | None = ""
    while last is not None:
        last = connection.execute(_next_uid(state), {"last": last}).scalar()
        if last is not None:
            found.append(last)
    return found


@cache
def _next_uid(state: State) -> Select[Any]:
    query = select(work.c.index_uid).where(in_state(state), work.c.index_uid > bindparam("last"))
    return query.order_by(work.c.index_uid, time_of(state)).limit(1)


def _counted(limit: int | None) -> Iterator[int]:
    count = 0
    while limit is None or count < limit:
        yield count
        count += 1
