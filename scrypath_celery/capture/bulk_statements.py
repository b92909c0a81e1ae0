"""ORM-enabled INSERT, UPDATE and DELETE of tracked sessions: which documents they change, or why that cannot be told.

A statement's parameters may name its rows. Where the database returns the rows that a statement changed (RETURNING),
they say it. Elsewhere the rows are read and locked before the statement, past the session's own events, whose criteria
may be meant for SELECT alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, CursorResult, Result, select, tuple_
from sqlalchemy.orm import ORMExecuteState, Session

from ..declaration.document_ids import id_text
from ..declaration.schema import Schema
from ..errors import SchemaError
from ..work import MAX_IDS, Operation
from .capture import Capture
from .executed import Executed
from .session_resolution import data_bind
from .statement_parts import (
    affected,
    changes_class,
    hidden,
    key_names,
    mapper_of,
    named,
    rows,
    sets,
    spellings,
    statement_of,
    table_of,
    upsert_sets,
)

Found = Mapping[Schema, Iterable[Any]]
"""The values of document ids, by schema."""


def capture_statement(capture: Capture, schemas: Sequence[Schema], state: ORMExecuteState) -> Result[Any] | None:
    """Register the documents that a statement changes; its result where it had to be executed for that.

    Raises:
        SchemaError: they cannot be told; the message says what to do instead. Nothing was executed.
    """
    statement = statement_of(state)
    for part in hidden(statement):
        for schema in affected(schemas, part):
            raise _refusal(schema, "it changes records within a common table expression")
    if not (state.is_insert or state.is_update or state.is_delete):
        return None
    chosen = affected(schemas, statement)
    if not chosen:
        return None
    _check(chosen, state, statement)
    run = _insert if state.is_insert else _named_update if isinstance(state.parameters, list) else _change
    result, found = run(chosen, state, statement)
    operation = Operation.DELETE if state.is_delete else Operation.UPSERT
    for schema, values in found.items():
        ids = {id_text(value): None for value in values if value is not None}
        if ids:
            capture.note(state.session, operation, [(schema, None, ids)])
    return result


def _check(schemas: Sequence[Schema], state: ORMExecuteState, statement: Any) -> None:
    many = isinstance(state.parameters, list)
    for schema in schemas:
        keys = set().union(*(spellings(schema.mapper, name) for name in key_names(schema.mapper)))
        if state.is_update and not (many and statement.whereclause is None) and sets(statement, rows(state), keys):
            raise _refusal(schema, "UPDATE changes the primary key")
        changed = upsert_sets(statement) if state.is_insert else None
        if changed and changed & (keys | spellings(schema.mapper, schema.key)):
            raise _refusal(schema, f"an upsert that changes {schema.key!r} does not say the old one")
    if many and not state.is_insert and statement.whereclause is not None:
        raise _refusal(schemas[0], "a statement with several sets of parameters does not say its rows")


# an INSERT


def _insert(schemas: Sequence[Schema], state: ORMExecuteState, statement: Any) -> tuple[Result[Any] | None, Found]:
    plain = upsert_sets(statement) is None and statement.select is None
    many = isinstance(state.parameters, list) or bool(getattr(statement, "_multi_values", ()))
    if plain and isinstance(state.parameters, list):
        ids = {schema: [named(schema.mapper, schema.key, row) for row in rows(state)] for schema in schemas}
        if all(value is not None for values in ids.values() for value in values):
            return None, ids
    if plain and not many and not len(statement.exported_columns):
        result = state.invoke_statement()
        assert isinstance(result, CursorResult)
        key = tuple(result.inserted_primary_key or ())
        return result, {schema: _ids_now(state.session, schema, [key]) for schema in schemas}
    if _returns(schemas, state, statement):
        return _by_returning(schemas, state, statement)
    raise _refusal(schemas[0], f"INSERT does not say its {schemas[0].key!r} on this database")


# an UPDATE by primary key, whose parameters name the rows


def _named_update(
    schemas: Sequence[Schema], state: ORMExecuteState, statement: Any
) -> tuple[Result[Any] | None, Found]:
    found: dict[Schema, list[Any]] = {}
    moved = []
    for schema in schemas:
        names = key_names(schema.mapper)
        keys = [tuple(named(schema.mapper, name, row) for name in names) for row in rows(state)]
        found[schema] = _ids_now(state.session, schema, keys)
        if _moves(schema, state, statement):
            moved.append((schema, keys))
    result = state.invoke_statement() if moved else None
    for schema, keys in moved:
        found[schema] += _ids_now(state.session, schema, keys)
    return result, found


# an UPDATE or DELETE by criteria


def _change(schemas: Sequence[Schema], state: ORMExecuteState, statement: Any) -> tuple[Result[Any] | None, Found]:
    moved = [schema for schema in schemas if state.is_update and _moves(schema, state, statement)]
    if _returns(schemas, state, statement):
        before = {schema: _matched(schema, state, statement) for schema in moved}
        result, found = _by_returning(schemas, state, statement)
        return result, {schema: [*(row[-1] for row in before.get(schema, ())), *found[schema]] for schema in schemas}
    matched = {schema: _matched(schema, state, statement) for schema in schemas}
    ids = {schema: [row[-1] for row in matched[schema]] for schema in schemas}
    result = state.invoke_statement() if moved else None
    for schema in moved:
        ids[schema] += _ids_now(state.session, schema, [row[:-1] for row in matched[schema]])
    return result, ids


def _matched(schema: Schema, state: ORMExecuteState, statement: Any) -> list[tuple[Any, ...]]:
    """Primary key and id of the rows that an UPDATE or DELETE is about to change, as committed by now, and locked."""
    mapper = mapper_of(statement)
    # The narrower of the two classes: what the statement reaches, and what the schema holds.
    reaches = mapper is not None and (mapper.isa(schema.mapper) or changes_class(statement))
    model = mapper.class_ if mapper is not None and reaches else schema.model
    query = _query(schema, model)
    if statement.whereclause is not None:
        query = query.where(statement.whereclause)
    bind = data_bind(state.session, schema)
    connection = state.session.connection(bind_arguments={"bind": bind, "mapper": schema.mapper})
    parameters = state.parameters if isinstance(state.parameters, Mapping) else {}
    found = connection.execute(query.with_for_update(), parameters)
    return list(dict.fromkeys(tuple(row) for row in found))


# RETURNING


def _returns(schemas: Sequence[Schema], state: ORMExecuteState, statement: Any) -> bool:
    """Whether the database can return the document ids of the rows that a statement changes."""
    dialect, many = data_bind(state.session, schemas[0]).dialect, isinstance(state.parameters, list)
    if state.is_insert:
        able = dialect.insert_executemany_returning if many else dialect.insert_returning
    else:
        able = dialect.update_returning if state.is_update else dialect.delete_returning
    return able and all(_local(schema, statement) for schema in schemas)


def _local(schema: Schema, statement: Any) -> bool:
    """Whether the document id is a column of the statement's own table: RETURNING knows no other."""
    mapper = mapper_of(statement) or schema.mapper
    narrower = schema.mapper is not mapper and schema.mapper.isa(mapper)  # RETURNING gives rows of other classes too
    if not mapper.has_property(schema.key) or (narrower and not changes_class(statement)):
        return False
    columns = getattr(mapper.get_property(schema.key), "columns", ())
    return any(getattr(column, "table", None) is table_of(statement) for column in columns) and (
        len(mapper.tables) == 1 or mapper_of(statement) is None
    )


def _by_returning(
    schemas: Sequence[Schema], state: ORMExecuteState, statement: Any
) -> tuple[Result[Any] | None, dict[Schema, list[Any]]]:
    if state.is_from_statement:
        return _by_entities(schemas, state)
    asked = len(statement.exported_columns) > 0
    wanted = [_id_column(schema, statement).label(f"scrypath_{at}") for at, schema in enumerate(schemas)]
    frozen = state.invoke_statement(statement=statement.returning(*wanted)).freeze()
    found: dict[Schema, list[Any]] = {schema: [] for schema in schemas}
    count = 0
    for row in frozen():
        count += 1
        for schema, value in zip(schemas, row[-len(schemas) :], strict=True):
            found[schema].append(value)
    if not asked:
        return Executed(count), found
    answer = frozen()
    return answer.columns(*range(len(answer.keys()) - len(schemas))), found


def _by_entities(schemas: Sequence[Schema], state: ORMExecuteState) -> tuple[Result[Any], dict[Schema, list[Any]]]:
    """The ids of the records that a `from_statement` loads from the rows that its statement returns."""
    frozen = state.invoke_statement().freeze()
    found: dict[Schema, list[Any]] = {schema: [] for schema in schemas}
    for row in frozen():
        for schema in schemas:
            record = next((one for one in row if isinstance(one, schema.mapper.base_mapper.class_)), None)
            if record is None:
                raise _refusal(schema, "its RETURNING gives no records: let it return the class")
            found[schema].append(getattr(record, schema.key, None))
            if not schema.by_primary_key and not state.is_delete:
                key = schema.mapper.primary_key_from_instance(record)
                found[schema] += _ids_now(state.session, schema, [tuple(key)])
    return frozen(), found


def _id_column(schema: Schema, statement: Any) -> Any:
    mapper = mapper_of(statement)
    if mapper is not None:
        return getattr(mapper.class_, schema.key)
    columns: Sequence[ColumnElement[Any]] = schema.mapper.get_property(schema.key).columns
    return next(column for column in columns if getattr(column, "table", None) is table_of(statement))


# reading ids


def _ids_now(session: Session, schema: Schema, keys: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The ids that the records of these primary keys have now."""
    if schema.by_primary_key:
        return [key[0] for key in keys]
    return [row[-1] for row in _with_keys(session, schema, keys)]


def _with_keys(session: Session, schema: Schema, keys: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    columns = [getattr(schema.model, name) for name in key_names(schema.mapper)]
    for start in range(0, len(keys), MAX_IDS):
        chunk = keys[start : start + MAX_IDS]
        chosen = columns[0].in_([key[0] for key in chunk]) if len(columns) == 1 else tuple_(*columns).in_(chunk)
        for row in session.execute(_query(schema, schema.model).where(chosen)):
            yield tuple(row)


def _query(schema: Schema, model: Any) -> Any:
    keys = [getattr(model, name) for name in key_names(schema.mapper)]
    return select(*keys, getattr(model, schema.key).label("scrypath_document_id"))


def _moves(schema: Schema, state: ORMExecuteState, statement: Any) -> bool:
    """Whether an UPDATE may change document ids that are not the primary key."""
    if schema.by_primary_key:
        return False
    if not schema.mapper.has_property(schema.key):
        return True
    return sets(statement, rows(state), spellings(schema.mapper, schema.key))


def _refusal(schema: Schema, why: str) -> SchemaError:
    remedy = "run it within search.capture_disabled(), and call sync_records or delete_documents for what it changed"
    return SchemaError(f"{schema.name}: this statement cannot be tracked, since {why}: {remedy}")
