"""SQLite: triggers a row; what its foreign keys do fires them, too."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Dialect

from ...declaration.fan_out import Route
from ...declaration.schema import Schema
from ...work import MAX_IDS
from .captured import Captured, Write, captured
from .insert_sql import INSERT_INTO, values
from .names import table_sql
from .row_ids import RowIds
from .row_reads import EVENTS, RowReads
from .trigger import TableTriggers, base_name, mark_of, signature


def wanted(schema: Schema, routes: Iterable[Route], dialect: Dialect) -> list[TableTriggers]:
    """The triggers that capture every write to the tables that a schema's documents are made of.

    Raises:
        SchemaError: an id cannot be read by SQL.
    """
    return [_of_table(schema, one, dialect) for one in captured(schema, routes)]


def _of_table(schema: Schema, source: Captured, dialect: Dialect) -> TableTriggers:
    table = table_sql(source.table, dialect)
    base = base_name(schema.uid, table, purpose=source.purpose)
    reads = {event: list(_READS.of(source, event, dialect)) for event in EVENTS}
    bodies = {
        event: ";\n".join(_insert(schema, write, read, dialect) for write, read in found)
        for event, found in reads.items()
        if found
    }
    mark = mark_of(repr(sorted(bodies.items())))
    names, made = [], []
    for event, body in bodies.items():
        name = f"{base}_{event.lower()}"
        names.append(name)
        made.append(f"DROP TRIGGER IF EXISTS {name}")
        switch = "WHEN NOT EXISTS (SELECT 1 FROM scrypath_ledger WHERE capture_off = 1)"
        note = f"/* {signature(schema.uid, mark)} */"
        made.append(f"CREATE TRIGGER {name} AFTER {event} ON {table} {switch} BEGIN {note}\n{body};\nEND")
    made.append("UPDATE scrypath_ledger SET capture_off = 0")  # a switch that somebody left off is off for everybody
    return TableTriggers(
        table=table,
        on=source.table,
        names=tuple(names),
        mark=mark,
        statements=tuple(made),
        misses=source.misses,
    )


def _changed(ids: RowIds, rows: tuple[str, ...], dialect: Dialect) -> str:
    read = " UNION ".join(
        # Two ids that a collation takes for one are two.
        f"SELECT {ids.id_of(row, dialect)} COLLATE BINARY AS id WHERE {ids.condition(row, dialect)}"
        for row in rows
    )
    if len(rows) == 1 or ids.shown is None:
        return read
    differs = _differs(*([ids.id_of(row, dialect), *ids.shown_of(row, dialect)] for row in rows))
    return f"SELECT id FROM ({read}) WHERE {differs}"


def _differs(old: Iterable[str], new: Iterable[str]) -> str:
    """Whether values differ, byte by byte: what a collation takes for equal is shown as it is."""
    return " OR ".join(f"{one} COLLATE BINARY IS NOT {other}" for one, other in zip(old, new, strict=True))


def _moved(old: list[str], new: list[str]) -> str:
    return f" WHERE {_differs(old, new)}"


_READS = RowReads(changed=_changed, moved=_moved)


def _insert(schema: Schema, write: Write, read: str, dialect: Dialect) -> str:
    part = "1" if isinstance(write.ids, RowIds) else f"(row_number() OVER () - 1) / {MAX_IDS}"
    return (
        f"{INSERT_INTO}\n  SELECT json_group_array(id), {values(schema.uid, write, dialect)}\n"
        f"  FROM (SELECT id, {part} AS part FROM ({read}) WHERE id IS NOT NULL) GROUP BY part"
    )
