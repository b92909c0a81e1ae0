"""MariaDB and MySQL: triggers a row. What its foreign keys do fires none, so the tables behind them bear some, too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Column, Dialect, ForeignKeyConstraint, Table

from ...declaration.fan_out import Route
from ...declaration.schema import Schema
from ...work import MAX_IDS
from .captured import Captured, Write, captured
from .insert_sql import INSERT_INTO, values
from .names import literal_sql, quoting, table_sql
from .reach import Reach, loops, reaches
from .related_ids import RelatedIds
from .row_ids import RowIds
from .row_reads import EVENTS, RowReads
from .trigger import TableTriggers, base_name, mark_of, signature

SWITCH = "@scrypath_capture"
"""The variable that switches the triggers off until it is set again: `SET @scrypath_capture = 'off'`."""

_SWITCHED = f"IF COALESCE({SWITCH}, {{}}) <> 'off' THEN"
# What tells whose it is stands in a literal: clients cut comments out, and dumps with one in a trigger do not load.
_LONGEST_IDS = 16_777_215
"""Bytes of the ids of one work: what their column holds."""


def wanted(schema: Schema, routes: Iterable[Route], dialect: Dialect) -> list[TableTriggers]:
    """The triggers that capture every write to the tables of a schema's documents but TRUNCATE, which fires none.

    Raises:
        SchemaError: an id cannot be read by SQL.
    """
    found = []
    for source in captured(schema, routes):
        found.append(_of_table(schema, source, dialect))
        reached = [reach for reach in reaches(source.table) if not _is_known(source, reach)]
        found += [_of_parent(schema, source, reach, dialect) for reach in reached]
    return found


def _is_known(source: Captured, reach: Reach) -> bool:
    """Whether rows are reached along with the record that they refer to, which is captured itself."""
    ids = source.changed.ids if source.changed is not None else None
    if not reach.path or not isinstance(ids, RowIds):
        return False
    return {(one.column, one.parent) for one in reach.path[0].elements} == set(ids.pairs)


def _of_table(schema: Schema, source: Captured, dialect: Dialect) -> TableTriggers:
    table = table_sql(source.table, dialect)
    bodies: dict[str, tuple[str, str]] = {}
    for event in EVENTS:
        found = [_insert(schema, write, read, dialect) for write, read in _READS.of(source, event, dialect)]
        if found:
            bodies[event.lower()] = (f"AFTER {event}", ";\n".join(found))
    base = base_name(schema.uid, table, purpose=source.purpose)
    return _triggers(schema, source.table, base, bodies, dialect, misses=source.misses)


def _changed(ids: RowIds, rows: tuple[str, ...], dialect: Dialect) -> str:
    read = " UNION ALL ".join(
        f"SELECT {ids.id_of(row, dialect)} AS id FROM DUAL WHERE {ids.condition(row, dialect)}" for row in rows
    )
    if len(rows) == 1:
        return read
    same = _same(*([ids.id_of(row, dialect)] for row in rows))  # two ids that a collation takes for one are two
    read += f" AND NOT ({same} AND {ids.condition('OLD', dialect)})"
    if ids.shown is None:
        return read
    same = _same(*([ids.id_of(row, dialect), *ids.shown_of(row, dialect)] for row in rows))
    return f"SELECT id FROM ({read}) AS changed WHERE NOT ({same})"


def _moved(old: list[str], new: list[str]) -> str:
    return f" FROM DUAL WHERE NOT ({_same(old, new)})"


def _same(old: Iterable[str], new: Iterable[str]) -> str:
    """Whether values are the same, byte by byte."""
    pairs = zip(old, new, strict=True)
    return " AND ".join(f"CAST({one} AS BINARY) <=> CAST({other} AS BINARY)" for one, other in pairs)


_READS = RowReads(changed=_changed, moved=_moved)


def _of_parent(schema: Schema, source: Captured, reach: Reach, dialect: Dialect) -> TableTriggers:
    rows = [source.changed] if source.changed is not None else []
    related = [source.deleted] if source.deleted is not None and isinstance(source.deleted.ids, RelatedIds) else []

    def reached(writes: list[Write], row: str, *, deleted: bool) -> str:
        return ";\n".join(_reached(schema, one, reach, row, dialect, deleted=deleted) for one in writes)

    bodies: dict[str, tuple[str, str]] = {}
    if reach.on_delete:
        bodies["delete"] = ("BEFORE DELETE", reached([*rows, *related], "OLD", deleted=True))
    if reach.on_update:
        bodies["before"] = ("BEFORE UPDATE", reached([*rows, *related], "OLD", deleted=False))
        if rows:
            bodies["after"] = ("AFTER UPDATE", reached(rows, "NEW", deleted=False))
    way = [f"{step.table.fullname}({','.join(step.column_keys)})" for step in reach.path]
    purpose = " ".join(one for one in (source.purpose, " ".join(way) or "itself") if one)
    base = base_name(schema.uid, table_sql(reach.parent, dialect), purpose=purpose)
    return _triggers(schema, reach.parent, base, bodies, dialect)


def _reached(schema: Schema, write: Write, reach: Reach, row: str, dialect: Dialect, *, deleted: bool) -> str:
    """Write a work for the rows that an action on this row of the parent reaches, table by table."""
    quote, levels = quoting(dialect).quote, list[str]()
    for at, (table, step) in enumerate(reach.steps):
        names = [quote(column.name) for column in table.columns if column in _keys(write, reach)]
        listed = ", ".join(f"r.{name}" for name in names)
        rows = f"SELECT {listed} FROM {table_sql(table, dialect)} AS r JOIN level{{}} AS p ON {{}}"
        found = [f"SELECT {', '.join(f'{row}.{name} AS {name}' for name in names)}"]
        if not deleted:  # nothing follows a row whose key stays
            keys = [quote(one.column.name) for one in reach.path[-1].elements]
            found[0] += f" FROM DUAL WHERE NOT ({_same(*([f'{one}.{key}' for key in keys] for one in ('OLD', 'NEW')))})"
        if step is not None:
            found = [rows.format(at - 1, _refers(step, dialect))]
        if deleted:  # what goes takes along what refers to it in its own table, however deep
            found += [rows.format(at, _refers(one, dialect)) for one in loops(table, "CASCADE")]
            # A query that is named twice knows no OLD the second time, unless it is recursive.
            found.append(rows.format(at, "1 = 0"))
        levels.append(f"level{at} AS ({' UNION '.join(found)})")
    last = len(levels) - 1
    reads = [f"SELECT * FROM level{last}"]
    if deleted:
        reads += [rows.format(last, _refers(one, dialect)) for one in loops(table, "SET NULL", "SET DEFAULT")]
    read = _read(write.ids, f"({' UNION '.join(reads)}) AS r", dialect)
    return _insert(schema, write, f"WITH RECURSIVE {', '.join(levels)} {read}", dialect)


def _read(ids: RowIds | RelatedIds, rows: str, dialect: Dialect) -> str:
    if isinstance(ids, RelatedIds):
        return ids.read(rows, dialect)
    return f"SELECT {ids.id_of('r', dialect)} AS id FROM {rows} WHERE {ids.condition('r', dialect)}"


def _keys(write: Write, reach: Reach) -> set[Column[object]]:
    """The columns by which rows are found from table to table, and their ids at the end."""
    found = set(write.ids.columns)
    for table, _ in reach.steps:
        found |= {*table.primary_key.columns}
        for constraint in table.foreign_key_constraints:
            found |= {column for one in constraint.elements for column in (one.parent, one.column)}
    return found


def _refers(step: ForeignKeyConstraint, dialect: Dialect) -> str:
    quote = quoting(dialect).quote
    return " AND ".join(f"r.{quote(one.parent.name)} = p.{quote(one.column.name)}" for one in step.elements)


def _insert(schema: Schema, write: Write, read: str, dialect: Dialect) -> str:
    chosen = values(schema.uid, write, dialect)
    # MariaDB cuts what it aggregates, without a word where its mode is not strict.
    whole = f"SET STATEMENT group_concat_max_len = {_LONGEST_IDS} FOR " if getattr(dialect, "is_mariadb", False) else ""
    return (
        f"{whole}{INSERT_INTO}\n"
        f"  SELECT JSON_ARRAYAGG(id), {chosen}\n"
        f"  FROM (SELECT id, (ROW_NUMBER() OVER () - 1) DIV {MAX_IDS} AS part FROM ({read}) AS seen"
        " WHERE id IS NOT NULL) AS numbered GROUP BY part"
    )


def _triggers(
    schema: Schema,
    table: Table,
    base: str,
    bodies: dict[str, tuple[str, str]],
    dialect: Dialect,
    *,
    misses: str = "",
) -> TableTriggers:
    mark = mark_of(_SWITCHED + repr(sorted(bodies.items())))
    names = tuple(f"{base}_{event}" for event in bodies)
    switch = _SWITCHED.format(literal_sql(signature(schema.uid, mark), dialect))
    made = tuple(_made(names, list(bodies.values()), table_sql(table, dialect), switch, dialect))
    return TableTriggers(
        table=table_sql(table, dialect), on=table, names=names, mark=mark, statements=made, misses=misses
    )


def _made(
    names: Sequence[str], bodies: Sequence[tuple[str, str]], table: str, switch: str, dialect: Dialect
) -> Iterator[str]:
    for name, (when, body) in zip(names, bodies, strict=True):
        create = "CREATE OR REPLACE TRIGGER"  # so that no write falls between an old one and its successor
        if not getattr(dialect, "is_mariadb", False):
            create = "CREATE TRIGGER"
            yield f"DROP TRIGGER IF EXISTS {name}"
        yield f"{create} {name} {when} ON {table} FOR EACH ROW BEGIN\n{switch}\n  {body};\nEND IF; END"
