"""ORM-enabled INSERT, UPDATE and DELETE of tracked sessions: which documents they change, or why nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Result, select, tuple_
from sqlalchemy.orm import Mapper, ORMExecuteState, Session

from ..declaration.document_ids import id_text
from ..declaration.schema import Schema
from ..errors import SchemaError
from ..work import MAX_IDS, Operation
from .capture import Capture


def affected(schemas: Iterable[Schema], state: ORMExecuteState) -> list[Schema]:
    """The schemas whose records a statement may change."""
    if state.bind_mapper is not None:
        model = state.bind_mapper.class_
        below = not state.is_insert
        return [one for one in schemas if issubclass(model, one.model) or (below and issubclass(one.model, model))]
    table = getattr(state.statement, "table", None)
    return [one for one in schemas if table in one.mapper.tables]


def capture_statement(capture: Capture, schemas: Sequence[Schema], state: ORMExecuteState) -> Result[Any] | None:
    """Register the documents that a statement changes; its result where it had to be executed for that.

    Raises:
        SchemaError: they cannot be told; the message says what to do instead. Nothing was executed.
    """
    if state.is_insert:
        operation, before = Operation.UPSERT, {one: _inserted(one, state) for one in schemas}
    else:
        operation = Operation.DELETE if state.is_delete else Operation.UPSERT
        before = {one: _matched(one, state) for one in schemas}
    moved = {one: keys for one, keys in before.items() if state.is_update and _moves(one, state)}
    result = state.invoke_statement() if moved else None
    for schema, keys in before.items():
        ids = {id_text(id): None for *_, id in keys if id is not None}
        if schema in moved:
            ids |= dict.fromkeys(_ids_now(state.session, schema, [key[:-1] for key in keys]))
        if ids:
            capture.note(state.session, operation, [(schema, None, ids)])
    return result


def _inserted(schema: Schema, state: ORMExecuteState) -> list[tuple[Any, ...]]:
    """The ids that an INSERT gives its rows, each as a tuple of one."""
    statement: Any = state.statement
    if getattr(statement, "select", None) is not None:
        raise _refusal(schema, "INSERT from a SELECT does not say its ids")
    if getattr(statement, "_post_values_clause", None) is not None:
        raise _refusal(schema, "an upsert may change other rows than the ones it names")
    rows = _rows(state) or [statement.compile().params]
    names = _spellings(schema.mapper, schema.key)
    found = [next((row[name] for name in names if row.get(name) is not None), None) for row in rows]
    if any(id is None for id in found):
        raise _refusal(schema, f"INSERT does not say its {schema.key!r}")
    return [(id,) for id in found]


def _matched(schema: Schema, state: ORMExecuteState) -> list[tuple[Any, ...]]:
    """Primary key and id of the rows that an UPDATE or DELETE is about to change."""
    statement: Any = state.statement
    mapper = schema.mapper
    if state.is_update and any(_sets(state, mapper, column.key) for column in _key_columns(mapper)):
        if isinstance(state.parameters, list) and statement.whereclause is None:
            return _by_key(schema, state)
        raise _refusal(schema, "UPDATE changes the primary key")
    if isinstance(state.parameters, list):
        raise _refusal(schema, "a statement with several sets of parameters does not say its rows")
    query = _query(schema)
    if statement.whereclause is not None:
        query = query.where(statement.whereclause)
    return [tuple(row) for row in state.session.execute(query.distinct(), state.parameters or {})]


def _by_key(schema: Schema, state: ORMExecuteState) -> list[tuple[Any, ...]]:
    """The same for an UPDATE by primary key, whose parameters name the rows."""
    mapper = schema.mapper
    names = [_spellings(mapper, mapper.get_property_by_column(column).key) for column in mapper.primary_key]
    keys = [tuple(next(row[name] for name in spelled if name in row) for spelled in names) for row in _rows(state)]
    return list(_with_keys(state.session, schema, keys))


def _ids_now(session: Session, schema: Schema, keys: Sequence[tuple[Any, ...]]) -> list[str]:
    return [id_text(row[-1]) for row in _with_keys(session, schema, keys) if row[-1] is not None]


def _with_keys(session: Session, schema: Schema, keys: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    columns = _key_columns(schema.mapper)
    for start in range(0, len(keys), MAX_IDS):
        chunk = keys[start : start + MAX_IDS]
        chosen = columns[0].in_([key[0] for key in chunk]) if len(columns) == 1 else tuple_(*columns).in_(chunk)
        for row in session.execute(_query(schema).where(chosen)):
            yield tuple(row)


def _query(schema: Schema) -> Any:
    return select(*_key_columns(schema.mapper), getattr(schema.model, schema.key).label("scrypath_document_id"))


def _key_columns(mapper: Mapper[Any]) -> list[Any]:
    return [getattr(mapper.class_, mapper.get_property_by_column(column).key) for column in mapper.primary_key]


def _moves(schema: Schema, state: ORMExecuteState) -> bool:
    """Whether an UPDATE may change document ids that are not the primary key."""
    if schema.by_primary_key:
        return False
    return not schema.mapper.has_property(schema.key) or _sets(state, schema.mapper, schema.key)


def _sets(state: ORMExecuteState, mapper: Mapper[Any], name: str) -> bool:
    statement: Any = state.statement
    targets = [*(getattr(statement, "_values", None) or ())]
    targets += [column for column, _ in getattr(statement, "_ordered_values", None) or ()]
    set_names = {getattr(target, "key", target) for target in targets} | {name for row in _rows(state) for name in row}
    return not set_names.isdisjoint(_spellings(mapper, name))


def _rows(state: ORMExecuteState) -> Sequence[Mapping[str, Any]]:
    parameters = state.parameters
    if not parameters:
        return []
    return parameters if isinstance(parameters, list) else [parameters]  # type: ignore[list-item]


def _spellings(mapper: Mapper[Any], name: str) -> set[str]:
    """How a statement may call an attribute: by its own name, or by its column's."""
    found = {name}
    if mapper.has_property(name):
        columns: Sequence[ColumnElement[Any]] = getattr(mapper.get_property(name), "columns", ())
        found |= {str(text) for column in columns for text in (column.key, getattr(column, "name", None)) if text}
    return found


def _refusal(schema: Schema, why: str) -> SchemaError:
    remedy = "run it within search.paused(), and call sync_records or delete_documents for what it changed"
    return SchemaError(f"{schema.name}: this statement cannot be tracked, since {why}: {remedy}")
