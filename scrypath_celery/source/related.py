"""The document ids that are related to some owners, in pages: by a relationship, or as the application says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Row, Select, select
from sqlalchemy.orm import Session

from ..declaration.fan_out import Route
from ..declaration.schema import Schema
from ..work import MAX_IDS
from .statements import among, value_of, values_of

Cursor = tuple[int, str | None]
"""How far was read: the number of the owner, and the last id of what is related to it (None: nothing yet)."""
START: Cursor = (0, None)


_Scalars = Callable[[Any], Iterable[Any]]
"""Executes a statement and gives the first column of its rows."""


@dataclass(frozen=True, kw_only=True)
class Related:
    """Some document ids of a fan-out's target, and where the next ones begin (None: there are no more)."""

    ids: tuple[str, ...]
    cursor: Cursor | None


def related_page(session: Session, route: Route, owners: Sequence[str], cursor: Cursor = START) -> Related:
    """At most `MAX_IDS` ids after `cursor` that are related to the owners of these ids.

    What a callable gives that is no `select()` comes at once.
    """
    at, after = cursor
    run: _Scalars = partial(session.scalars, bind_arguments={"mapper": route.target.mapper})
    if route.relationship is not None:
        values = values_of(session, route.owner, owners)
        criterion = among(session, route.owner, values)
        ids = _page(run, route.target, by_relationship(route, criterion), after)
        return Related(ids=ids, cursor=(at, ids[-1]) if len(ids) == MAX_IDS else None)
    owner = _record(session, route.owner, owners[at]) if at < len(owners) else None
    ids, more = _asked(session, run, route, owner, after) if owner is not None else ((), False)
    if more:
        return Related(ids=ids, cursor=(at, ids[-1]))
    return Related(ids=ids, cursor=(at + 1, None) if at + 1 < len(owners) else None)


def related_now(
    session: Session, connection: Connection, route: Route, record: Any, criterion: ColumnElement[bool]
) -> Iterator[tuple[str, ...]]:
    """All ids that are related to a saved owner, which `criterion` names, in pages, as its own transaction sees it.

    What a relationship leads to is read on the session's connection, past its own events, whose criteria may hide some.
    """
    if route.relationship is not None:
        yield from linked_ids(connection, route.target, by_relationship(route, criterion))
    else:
        yield from resolved_now(session, connection, route, (record,))


def resolved_now(
    session: Session, connection: Connection, route: Route, records: Iterable[Any]
) -> Iterator[tuple[str, ...]]:
    """All ids that the application's callable names for these owners, in pages."""
    for record in records:
        after: str | None = None
        more = True
        while more:
            ids, more = _asked(session, connection.scalars, route, record, after)
            yield ids
            after = ids[-1] if ids else None


def by_relationship(route: Route, criterion: ColumnElement[bool] | None) -> Select[Any]:
    """The statement that gives the ids that a fan-out's relationship leads to from the owners of a criterion."""
    joined = route.leading_to()
    return joined if criterion is None else joined.where(criterion)


def linked_ids(connection: Connection, target: Schema, statement: Any) -> Iterator[tuple[str, ...]]:
    """The document ids that a statement gives, in pages."""
    after: str | None = None
    while True:
        ids = _page(connection.scalars, target, statement, after)
        if ids:
            yield ids
        if len(ids) < MAX_IDS:
            return
        after = ids[-1]


def _record(session: Session, owner: Schema, id: str) -> Any:
    values = values_of(session, owner, [id])
    return session.scalars(select(owner.model).where(among(session, owner, values))).unique().first()


def _asked(
    session: Session, run: _Scalars, route: Route, owner: Any, after: str | None
) -> tuple[tuple[str, ...], bool]:
    """The ids that the application's callable names, and whether there may be more of them."""
    answer = route.related(owner, session)
    if isinstance(answer, Select):
        found = answer.column_descriptions[0]
        if found["expr"] is found["entity"]:
            key = getattr(found["entity"], route.target.key)
            answer = answer.with_only_columns(key, maintain_column_froms=True)
    if isinstance(answer, Select | CompoundSelect):
        ids = _page(run, route.target, answer, after)
        return ids, len(ids) == MAX_IDS
    return tuple(dict.fromkeys(_id(route.target, one) for one in answer or ())), False


def _id(target: Schema, one: Any) -> str:
    if isinstance(one, Row):
        one = one[0]
    return target.id_of(getattr(one, target.key) if isinstance(one, target.mapper.base_mapper.class_) else one)


def _page(run: _Scalars, target: Schema, statement: Any, after: str | None) -> tuple[str, ...]:
    columns = statement.order_by(None).subquery().c
    key = columns.get(target.key, next(iter(columns)))
    query = select(key).where(key.is_not(None)).distinct().order_by(key).limit(MAX_IDS)
    if after is not None:
        query = query.where(key > value_of(target, after))
    return tuple(target.id_of(value) for value in run(query))
