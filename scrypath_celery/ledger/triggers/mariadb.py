"""MariaDB and MySQL: triggers a row. What its foreign keys do fires none, so the tables behind them bear some, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Dialect

from ...declaration.schema import Schema
from ...work import MAX_IDS, Operation
from .captured import Captured, Reach, captured, reaches, table_sql
from .insert_sql import INSERT_INTO, values
from .trigger import TableTriggers, base_name, comment, mark_of

SWITCH = "@scrypath_capture"
"""The variable that switches the triggers off until it is set again: `SET @scrypath_capture = 'off'`."""


def wanted(schema: Schema, dialect: Dialect) -> list[TableTriggers]:
    """The triggers that capture every write to a schema's tables but TRUNCATE, which fires none.

    Raises:
        SchemaError: its document id cannot be read by SQL.
    """
    found = []
    for source in captured(schema):
        found.append(_of_table(schema, source, dialect))
        found += [_of_parent(schema, source, reach, dialect) for reach in reaches(source.table)]
    return found


def _of_table(schema: Schema, source: Captured, dialect: Dialect) -> TableTriggers:
    table = table_sql(source.table, dialect)
    bodies: dict[str, tuple[str, str]] = {}
    for event, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
        operation = Operation.DELETE if event == "DELETE" else Operation.UPSERT
        read = " UNION ALL ".join(
            f"SELECT {source.id_of(row, dialect)} AS id FROM DUAL WHERE {source.condition(row, dialect)}"
            for row in rows
        )
        if event == "UPDATE":  # compared byte by byte: two ids that a collation takes for one are two
            old, new = (f"CAST({source.id_of(row, dialect)} AS BINARY)" for row in rows)
            read += f" AND NOT ({old} <=> {new} AND {source.condition('OLD', dialect)})"
            if source.shown is not None:
                pairs = zip(
                    *([source.id_of(row, dialect), *source.shown_of(row, dialect)] for row in rows), strict=True
                )
                same = " AND ".join(f"CAST({one} AS BINARY) <=> CAST({other} AS BINARY)" for one, other in pairs)
                read = f"SELECT id FROM ({read}) AS changed WHERE NOT ({same})"
        bodies[event.lower()] = (f"AFTER {event}", _insert(schema, operation, read, dialect))
    return _triggers(schema, table, base_name(schema.uid, table), bodies, dialect)


def _of_parent(schema: Schema, source: Captured, reach: Reach, dialect: Dialect) -> TableTriggers:
    table = table_sql(reach.parent, dialect)
    bodies: dict[str, tuple[str, str]] = {}
    if reach.on_delete:
        bodies["delete"] = ("BEFORE DELETE", _reached(schema, source, reach, "OLD", dialect))
    if reach.on_update:
        bodies["before"] = ("BEFORE UPDATE", _reached(schema, source, reach, "OLD", dialect))
        bodies["after"] = ("AFTER UPDATE", _reached(schema, source, reach, "NEW", dialect))
    way = [f"{step.table.fullname}({','.join(step.column_keys)})" for step in reach.path]
    base = base_name(schema.uid, table, purpose=" ".join(way))
    return _triggers(schema, table, base, bodies, dialect)


def _reached(schema: Schema, source: Captured, reach: Reach, row: str, dialect: Dialect) -> str:
    """Write a work for the rows that an action on this row of the parent reaches."""
    quote = dialect.identifier_preparer.quote
    joins, last = [], "r"
    for at, step in enumerate(reach.path):
        is_last = at == len(reach.path) - 1
        other = row if is_last else f"p{at}"
        pairs = [(one.parent, one.column) for one in step.elements]
        same = " AND ".join(f"{last}.{quote(one.name)} = {other}.{quote(two.name)}" for one, two in pairs)
        if is_last:
            where = same
        else:
            joins.append(f"JOIN {table_sql(step.referred_table, dialect)} AS {other} ON {same}")
        last = other
    read = (
        f"SELECT {source.id_of('r', dialect)} AS id FROM {table_sql(source.table, dialect)} AS r"
        f" {' '.join(joins)} WHERE {where} AND {source.condition('r', dialect)}"
    )
    return _insert(schema, Operation.UPSERT, read, dialect)


def _insert(schema: Schema, operation: Operation, read: str, dialect: Dialect) -> str:
    chosen = values(schema.uid, operation, dialect, documents="COUNT(*)")
    return (
        f"{INSERT_INTO}\n"
        f"  SELECT JSON_ARRAYAGG(id), {chosen}\n"
        f"  FROM (SELECT id, (ROW_NUMBER() OVER () - 1) DIV {MAX_IDS} AS part FROM ({read}) AS seen"
        " WHERE id IS NOT NULL) AS numbered GROUP BY part"
    )


def _triggers(
    schema: Schema, table: str, base: str, bodies: dict[str, tuple[str, str]], dialect: Dialect
) -> TableTriggers:
    mark = mark_of(repr(sorted(bodies.items())))
    names = tuple(f"{base}_{event}" for event in bodies)
    made = list(_made(names, list(bodies.values()), table, comment(schema.uid, mark), dialect))
    return TableTriggers(table=table, names=names, mark=mark, statements=tuple(made))


def _made(
    names: Sequence[str], bodies: Sequence[tuple[str, str]], table: str, note: str, dialect: Dialect
) -> Iterator[str]:
    for name, (when, body) in zip(names, bodies, strict=True):
        create = "CREATE OR REPLACE TRIGGER"  # so that no write falls between an old one and its successor
        if not getattr(dialect, "is_mariadb", False):
            create = "CREATE TRIGGER"
            yield f"DROP TRIGGER IF EXISTS {name}"
        switch = f"IF COALESCE({SWITCH}, 'on') <> 'off' THEN"
        yield f"{create} {name} {when} ON {table} FOR EACH ROW BEGIN {note}\n{switch}\n  {body};\nEND IF; END"
