"""What tracked sessions change that documents of other records hold: fan-outs of what is flushed, and link rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Result, select, true
from sqlalchemy.orm import ORMExecuteState, Session

from ..declaration.registry import Schemas
from ..declaration.schema import Schema
from ..source.related import by_relationship, linked_ids, resolved_now
from ..work import Operation
from .bulk_statements import capture_statement
from .capture import Capture
from .link_statements import linked_by
from .links import changed_links, linked_to, links_of, many_to_many
from .record_ids import is_changed
from .related import is_record
from .session_resolution import connection_of
from .statement_parts import Plain, affected, mapper_of, rows, statement_of, table_of, upsert_sets


def before_deletions(capture: Capture, schemas: Schemas, session: Session) -> None:
    """Register what is related to the records that a flush is about to delete, and the documents linked to them."""
    for record in tuple(session.deleted):
        owners = [(owner, record, ()) for owner in schemas.routes.owners_of(type(record))]
        if owners:
            capture.note_related(session, owners)
        with session.no_autoflush:
            _note_linked(capture, schemas, session, type(record), is_record(record), {})


def after_changes(capture: Capture, schemas: Schemas, session: Session, records: Iterable[Any]) -> None:
    """Register what is related to the records that a flush has inserted or changed, and what it has linked to them."""
    linked: dict[tuple[int, Schema], tuple[Schema, Any, Iterable[str]]] = {}
    new: list[tuple[Schema, Any, Iterable[str]]] = []
    changed: list[tuple[Schema, Any, Iterable[str]]] = []
    for record in records:
        for schema, other in changed_links(schemas, record):
            linked[id(other), schema] = (schema, other, ())
        for owner in schemas.routes.owners_of(type(record)):
            if record in session.new:
                new.append((owner, record, ()))
            elif is_changed(session, record, collections=False):
                changed.append((owner, record, ()))
    if linked:
        capture.note(session, Operation.UPSERT, list(linked.values()))
    if new:
        capture.note_related(session, new)
    if changed:
        capture.note_related(session, changed, only_shown=True)


def capture_related_statement(
    capture: Capture, schemas: Schemas, state: ORMExecuteState, plain: Plain
) -> Result[Any] | None:
    """Register what a statement changes: records, links, and what is related to either; `plain` as `capture_statement`.

    Raises:
        SchemaError: it cannot be told. Nothing was executed.
    """
    if not (state.is_insert or state.is_update or state.is_delete):
        return capture_statement(capture, tuple(schemas), state, plain)
    statement = statement_of(state)
    known = list(schemas)
    if not state.is_insert or upsert_sets(statement) is not None:
        known += [owner for owner in schemas.routes.owners() if not owner.uid and _has_deferred(schemas, owner)]
    links = links_of(schemas, table_of(statement))
    own = bool(affected(known, statement))
    result, found = linked_by(links, state, execute=not own) if links else (None, {})
    if state.is_delete:
        _before_deletion(capture, schemas, state, statement)
    for schema, ids in found.items():
        capture.note(state.session, Operation.UPSERT, [(schema, None, list(ids))])
    return capture_statement(capture, known, state, plain) if own or not links else result


def _has_deferred(schemas: Schemas, owner: Schema) -> bool:
    return any(not route.is_reference for route in schemas.routes.of(owner))


def _before_deletion(capture: Capture, schemas: Schemas, state: ORMExecuteState, statement: Any) -> None:
    """Register what is related to the rows of a DELETE, which is read before it."""
    model = _model_of(schemas, statement)
    if model is None:
        return
    criterion = statement.whereclause if statement.whereclause is not None else true()
    owners = affected(schemas.routes.owners(), statement)
    for parameters in rows(state) or [{}]:
        for owner in owners:
            _note_related(capture, schemas, state.session, owner, criterion, dict(parameters))
        _note_linked(capture, schemas, state.session, model, criterion, dict(parameters))


def _note_related(
    capture: Capture,
    schemas: Schemas,
    session: Session,
    owner: Schema,
    criterion: ColumnElement[bool],
    parameters: dict[str, Any],
) -> None:
    for route in schemas.routes.of(owner):
        if not route.is_reference:
            chosen, connection = select(owner.model).where(criterion), connection_of(session, route.target)
            if route.resolve is None:
                query = by_relationship(route, criterion).params(parameters)
                _note(capture, session, route.target, linked_ids(connection, route.target, query), chain=route.chain)
            else:
                records = session.scalars(chosen.params(parameters)).unique()
                found = resolved_now(session, connection, route, records)
                _note(capture, session, route.target, found, chain=route.chain)


def _note_linked(
    capture: Capture,
    schemas: Schemas,
    session: Session,
    model: type[Any],
    criterion: ColumnElement[bool],
    parameters: dict[str, Any],
) -> None:
    for schema, query in linked_to(schemas, model, criterion):
        _note(capture, session, schema, linked_ids(connection_of(session, schema), schema, query.params(parameters)))


def _model_of(schemas: Schemas, statement: Any) -> type[Any] | None:
    """The class whose rows a statement deletes, as far as anything is related to it."""
    mapper = mapper_of(statement)
    if mapper is not None:
        return mapper.class_
    known = [owner.mapper for owner in schemas.routes.owners()]
    known += [relation.mapper for schema in schemas for relation in many_to_many(schema.mapper)]
    return next((one.class_ for one in known if table_of(statement) is one.local_table), None)


def _note(
    capture: Capture, session: Session, schema: Schema, pages: Iterable[tuple[str, ...]], *, chain: bool = False
) -> None:
    for ids in pages:
        if ids:
            capture.note(session, Operation.UPSERT, [(schema, None, ids)])
        if ids and chain:
            capture.note_related(session, [(schema, None, ids)])
