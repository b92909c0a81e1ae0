"""Registering what is related to a record: its fan-outs, and what they lead to right before its deletion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_
from sqlalchemy.orm import Session

from .. import tracing
from ..declaration.fan_out import Route
from ..declaration.routes import Routes
from ..errors import SchemaError
from ..ledger import scheduled, works
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


def of_owner(
    routes: Routes, owned: Iterable[Route], result: SyncResult, record: Any, ids: Iterable[str]
) -> list[Registration]:
    """The registrations of an owner's fan-outs (`owned`): of a record, or of ids."""
    items: list[Registration] = []
    for route in owned:
        if route.is_reference and record is not None:
            target = route.target
            items.append(_refers(route, result, record, operation=Operation.UPSERT))
            for one in routes.of(target) if route.chain else ():
                items.append(_refers(route, result, record, operation=Operation.FAN_OUT, then=one))
        else:
            items.append(_deferred(route, result, record))
            items[-1].learn(ids)
    return items


def _refers(
    route: Route, result: SyncResult, record: Any, *, operation: Operation, then: Route | None = None
) -> Registration:
    return Registration(
        schema=route.target, operation=operation, result=result, record=record, refers=route, route=then
    )


def _deferred(route: Route, result: SyncResult, record: Any) -> Registration:
    return Registration(schema=route.owner, operation=Operation.FAN_OUT, result=result, record=record, route=route)


def registrations_of_deleted(session: Session, routes: Routes, items: Sequence[Registration]) -> list[Registration]:
    """What is related to owners that the coming flush deletes: afterwards nobody could tell."""
    found: list[Registration] = []
    for item in items:
        route = item.route
        if route is None or item.refers is not None or item.deletion_read:
            continue
        if item.record is None or item.record not in session.deleted:
            continue
        item.deletion_read = True
        lost = [Registration(schema=route.target, operation=Operation.UPSERT, result=item.result)]
        lost += [_deferred(one, item.result, None) for one in routes.of(route.target) if route.chain]
        with session.no_autoflush:
            connection = connection_of(session, route.target)
            for page in related_now(session, connection, route, item.record, is_record(item.record)):
                for one in lost:
                    one.learn(page)
        for one in lost if lost[0].ids else ():
            one.bind, one.write_on_flush = item.bind, item.write_on_flush
            found.append(one)
    return found


def is_record(record: Any) -> ColumnElement[bool]:
    """The criterion that a row is this saved record."""
    state = state_of(record)
    assert state.identity is not None
    return and_(*(column == value for column, value in zip(state.mapper.primary_key, state.identity, strict=True)))


def write_group(runtime: Runtime, connection: Connection, group: Group, ids: Sequence[str]) -> tuple[int, ...]:
    """Write the works of a group; their ids. Those for later hold one document each; one whose date is past takes
    the place of those for its documents.

    The relay leaves their publication to the caller for a while, unless nobody here would publish them.
    """
    uid, operation, mode = group.uid, group.operation, group.mode
    after = runtime.options.publish_grace if group.is_ours else 0.0

    def about() -> dict[str, str | int | None]:
        schema = runtime.schemas.by_uid(uid)
        name = None if schema is None else schema.name
        return {
            "schema": name,
            "index": runtime.engine_uid(uid),
            "operation": operation.value,
            "mode": mode.value,
            "documents": len(ids),
        }

    with tracing.span("capture", kind="producer", about=about) as span:
        if group.at:
            written = scheduled.write(connection, uid, ids, group.at)
        else:
            written = works.write(connection, uid, operation, ids, mode, publish_after=after, fan_out=group.fan_out)
            if group.at is not None:
                scheduled.drop(connection, uid, ids)
        span.note(works=len(written))
    return written
