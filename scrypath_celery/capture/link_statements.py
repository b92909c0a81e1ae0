"""INSERT, UPDATE and DELETE on tables whose rows refer to documents: which documents a tracked statement changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Result, select
from sqlalchemy.orm import ORMExecuteState
from sqlalchemy.sql import ClauseElement

from ..declaration.schema import Schema
from ..errors import SchemaError
from ..source.related import linked_ids
from ..work import MAX_IDS
from .executed import Executed
from .links import Link
from .session_resolution import connection_of, data_bind
from .statement_parts import rows, statement_of

Found = dict[Schema, dict[str, None]]
"""Document ids by schema."""

Values = Sequence[Mapping[Any, Any]]
"""What rows hold, by column."""

_UNKNOWN = object()


def linked_by(links: Sequence[Link], state: ORMExecuteState, *, execute: bool) -> tuple[Result[Any] | None, Found]:
    """The documents to whose rows a statement adds, changes or removes links; its result where it was executed.

    `execute` allows that, where only the database can tell.

    Raises:
        SchemaError: they cannot be told. Nothing was executed.
    """
    statement = statement_of(state)
    result: Result[Any] | None = None
    found: Found = {link.schema: {} for link in links}
    if not state.is_insert:
        for link in links:
            for parameters in rows(state) or [{}]:
                _add(found[link.schema], _matched(link, state, statement, parameters))
    if not state.is_delete:
        values = _new_values(links, state, statement)
        if values is None:
            result, values = _returned(links, state, statement, execute=execute)
        for link in links:
            _add(found[link.schema], _named(link, state, values))
    return result, {schema: ids for schema, ids in found.items() if ids}


def _add(found: dict[str, None], pages: Iterable[Sequence[str]]) -> None:
    for page in pages:
        found.update(dict.fromkeys(page))


def _matched(
    link: Link, state: ORMExecuteState, statement: Any, parameters: Mapping[str, Any]
) -> Iterable[tuple[str, ...]]:
    """The documents of the rows that an UPDATE or DELETE is about to change."""
    query = link.ids(statement.whereclause)
    if statement.whereclause is None and state.is_update and parameters and link.route is not None:
        keys = link.route.owner.mapper.primary_key  # an update by primary key, whose parameters name the rows
        named = [column == parameters[str(column.key)] for column in keys if str(column.key) in parameters]
        query = link.ids(None).where(*named)
        parameters = {}
    connection = connection_of(state.session, link.schema)
    return linked_ids(connection, link.schema, query.params(dict(parameters)) if parameters else query)


def _new_values(links: Sequence[Link], state: ORMExecuteState, statement: Any) -> Values | None:
    """What the rows will hold; None where only the database can tell."""
    if getattr(statement, "select", None) is not None:
        return None
    told = [_by_name(one) for several in getattr(statement, "_multi_values", ()) or () for one in several]
    given = _by_name(getattr(statement, "_values", None) or {})
    given |= _by_name(dict(getattr(statement, "_ordered_values", None) or ()))
    if given or not told:
        told += [{**given, **row} for row in rows(state) or [{}]]
    names = {column: spelt for link in links for column, spelt in link.names.items()}
    found = [{column: _value(spelt, row) for column, spelt in names.items() if spelt & row.keys()} for row in told]
    unclear = any(value is _UNKNOWN for row in found for value in row.values())
    missing = state.is_insert and any(len(row) < len(names) and not _optional(row, names) for row in found)
    return None if unclear or missing else found


def _by_name(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(getattr(name, "key", name)): value for name, value in values.items()}


def _optional(row: Mapping[Any, Any], names: Mapping[Any, Any]) -> bool:
    """Whether what an INSERT leaves out is empty then: no default fills it."""
    left = [column for column in names if column not in row]
    return all(column.nullable and column.default is None and column.server_default is None for column in left)


def _value(spelt: set[str], row: Mapping[str, Any]) -> Any:
    value = row[next(name for name in spelt if name in row)]
    if isinstance(value, BindParameter):
        return _UNKNOWN if value.callable is not None or value.required else value.value
    return _UNKNOWN if isinstance(value, ClauseElement) or hasattr(value, "__clause_element__") else value


def _returned(
    links: Sequence[Link], state: ORMExecuteState, statement: Any, *, execute: bool
) -> tuple[Result[Any], Values]:
    """Execute a statement and let the database say what its rows hold."""
    dialect = data_bind(state.session, links[0].schema).dialect
    many = isinstance(state.parameters, list)
    able = dialect.insert_executemany_returning if many else dialect.insert_returning
    if state.is_update:
        able = dialect.update_returning and not many
    if not (able and execute):
        raise SchemaError(
            f"{links[0].schema.name}: this statement on {links[0].table.name} cannot be tracked, since it does not say"
            " which rows it links: run it within search.capture_disabled(), and call sync_records or sync_related for"
            " what it changed"
        )
    columns = list({column: None for link in links for column, _ in link.pairs})
    asked = len(statement.exported_columns) > 0
    labels = [column.label(f"scrypath_{at}") for at, column in enumerate(columns)]
    frozen = state.invoke_statement(statement=statement.returning(*labels)).freeze()
    values = [dict(zip(columns, row[-len(columns) :], strict=True)) for row in frozen()]
    if not asked:
        return Executed(len(values)), values
    answer = frozen()
    return answer.columns(*range(len(answer.keys()) - len(columns))), values


def _named(link: Link, state: ORMExecuteState, values: Values) -> Iterable[Sequence[str]]:
    """The documents that rows with these values belong to."""
    schema = link.schema
    key = schema.mapper.get_property(schema.key) if schema.mapper.has_property(schema.key) else None
    for ours, theirs in link.pairs:
        wanted = list(dict.fromkeys(row[ours] for row in values if row.get(ours) is not None))
        if theirs in getattr(key, "columns", ()):
            yield [schema.id_of(value) for value in wanted]
            continue
        for start in range(0, len(wanted), MAX_IDS):
            chosen = theirs.in_(wanted[start : start + MAX_IDS])
            query = select(getattr(schema.model, schema.key)).where(chosen)
            yield from linked_ids(connection_of(state.session, schema), schema, query)
