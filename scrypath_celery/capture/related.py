"""Registering what is related to a record: its fan-outs, and what they lead to right before its deletion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_
from sqlalchemy.orm import Session

from ..declaration.fan_out import Route
from ..errors import SchemaError
from ..ledger import works
from ..runtime import Runtime
from ..source.related import related_now
from ..work import Operation
from .record_ids import state_of
from .registration import Group, Registration
from .result import SyncResult
from .session_resolution import connection_of


def routes_of(runtime: Runtime, owner: Any) -> list[Route]:
    """The fan-outs of a record's class.

    Raises:
        SchemaError: it declares none.
    """
    routes = runtime.schemas.routes
    model = type(owner)
    found = [route for one in routes.owners_of(model) for route in routes.of(one)]
    if not found:
        raise SchemaError(
            f"{model.__module__}.{model.__qualname__} declares no fan-outs: give its schema fan_outs=, or declare them"
            " with @search.fan_outs(...) where it has no index"
        )
    return found


def of_owner(routes: Iterable[Route], result: SyncResult, record: Any, ids: Iterable[str]) -> list[Registration]:
    """The registrations of an owner's fan-outs: of a record, or of ids."""
    items = []
    for route in routes:
        refers = route.is_reference and record is not None
        items.append(
            Registration(
                schema=route.target if refers else route.owner,
                operation=Operation.UPSERT if refers else Operation.FAN_OUT,
                result=result,
                record=record,
                route=route,
            )
        )
        if not refers:
            items[-1].learn(ids)
    return items


def registrations_of_deleted(session: Session, items: Sequence[Registration]) -> list[Registration]:
    """What is related to owners that the coming flush deletes: afterwards nobody could tell."""
    found: list[Registration] = []
    for item in items:
        route = item.route
        if route is None or item.operation is not Operation.FAN_OUT or item.deletion_read:
            continue
        if item.record is None or item.record not in session.deleted:
            continue
        item.deletion_read = True
        lost = Registration(schema=route.target, operation=Operation.UPSERT, result=item.result)
        lost.bind, lost.write_on_flush = item.bind, item.write_on_flush
        with session.no_autoflush:
            connection = connection_of(session, route.target)
            for page in related_now(session, connection, route, item.record, is_record(item.record)):
                lost.learn(page)
        if lost.ids:
            found.append(lost)
    return found


def is_record(record: Any) -> ColumnElement[bool]:
    """The criterion that a row is this saved record."""
    state = state_of(record)
    assert state.identity is not None
    return and_(*(column == value for column, value in zip(state.mapper.primary_key, state.identity, strict=True)))


def write_group(connection: Connection, group: Group, ids: Sequence[str], grace: float) -> tuple[int, ...]:
    """Write the works of a group; their ids."""
    return works.write(
        connection, group.uid, group.operation, ids, group.mode, publish_after=grace, fan_out=group.fan_out
    )
