"""MariaDB and MySQL: triggers a row. What its foreign keys do fires none, so the tables behind them bear some, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Column, Dialect, ForeignKeyConstraint

from ...declaration.schema import Schema
from ...work import MAX_IDS, Operation
from .captured import Captured, Reach, captured, loops, quoting, reaches, table_sql
from .insert_sql import INSERT_INTO, values
from .trigger import TableTriggers, base_name, comment, mark_of

SWITCH = "@scrypath_capture"
"""The variable that switches the triggers off until it is set again: `SET @scrypath_capture = 'off'`."""

_LONGEST_IDS = 16_777_215
"""Bytes of the ids of one work: what their column holds."""


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
        bodies["delete"] = ("BEFORE DELETE", _reached(schema, source, reach, "OLD", dialect, deleted=True))
    if reach.on_update:
        bodies["before"] = ("BEFORE UPDATE", _reached(schema, source, reach, "OLD", dialect, deleted=False))
        bodies["after"] = ("AFTER UPDATE", _reached(schema, source, reach, "NEW", dialect, deleted=False))
    way = [f"{step.table.fullname}({','.join(step.column_keys)})" for step in reach.path]
    base = base_name(schema.uid, table, purpose=" ".join(way) or "itself")
    return _triggers(schema, table, base, bodies, dialect)


def _reached(schema: Schema, source: Captured, reach: Reach, row: str, dialect: Dialect, *, deleted: bool) -> str:
    """Write a work for the rows that an action on this row of the parent reaches, table by table."""
    quote, levels = quoting(dialect).quote, list[str]()
    for at, (table, step) in enumerate(reach.steps):
        names = [quote(column.name) for column in table.columns if column in _keys(source, reach)]
        listed = ", ".join(f"r.{name}" for name in names)
        rows = f"SELECT {listed} FROM {table_sql(table, dialect)} AS r JOIN level{{}} AS p ON {{}}"
        found = [f"SELECT {', '.join(f'{row}.{name} AS {name}' for name in names)}"]
        if not deleted:  # nothing follows a row whose key stays
            keys = [quote(one.column.name) for one in reach.path[-1].elements]
            same = " AND ".join(f"CAST(OLD.{key} AS BINARY) <=> CAST(NEW.{key} AS BINARY)" for key in keys)
            found[0] += f" FROM DUAL WHERE NOT ({same})"
        if step is not None:
            found = [rows.format(at - 1, _refers(step, dialect))]
        if deleted:  # what goes takes along what refers to it in its own table, however deep
            found += [rows.format(at, _refers(one, dialect)) for one in loops(table, "CASCADE")]
        levels.append(f"level{at} AS ({' UNION '.join(found)})")
    last = len(levels) - 1
    reads = [f"SELECT * FROM level{last}"]
    if deleted:
        reads += [rows.format(last, _refers(one, dialect)) for one in loops(table, "SET NULL", "SET DEFAULT")]
    read = (
        f"WITH RECURSIVE {', '.join(levels)} SELECT {source.id_of('r', dialect)} AS id"
        f" FROM ({' UNION '.join(reads)}) AS r WHERE {source.condition('r', dialect)}"
    )
    return _insert(schema, Operation.UPSERT, read, dialect)


def _keys(source: Captured, reach: Reach) -> set[Column[object]]:
    """The columns by which rows are found from table to table, and their ids at the end."""
    found: set[Column[object]] = {source.id_column}
    if source.discriminator is not None:
        found.add(source.discriminator)
    for table, _ in reach.steps:
        found |= {*table.primary_key.columns}
        for constraint in table.foreign_key_constraints:
            found |= {column for one in constraint.elements for column in (one.parent, one.column)}
    return found


def _refers(step: ForeignKeyConstraint, dialect: Dialect) -> str:
    quote = quoting(dialect).quote
    return " AND ".join(f"r.{quote(one.parent.name)} = p.{quote(one.column.name)}" for one in step.elements)


def _insert(schema: Schema, operation: Operation, read: str, dialect: Dialect) -> str:
    chosen = values(schema.uid, operation, dialect, documents="COUNT(*)")
    # MariaDB cuts what it aggregates, without a word where its mode is not strict.
    whole = f"SET STATEMENT group_concat_max_len = {_LONGEST_IDS} FOR " if getattr(dialect, "is_mariadb", False) else ""
    return (
        f"{whole}{INSERT_INTO}\n"
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
