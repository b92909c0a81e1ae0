"""SQLite: triggers a row; what its foreign keys do fires them, too."""

from __future__ import annotations

from sqlalchemy import Dialect

from ...declaration.schema import Schema
from ...work import Operation
from .captured import Captured, captured, table_sql
from .insert_sql import INSERT_INTO, values
from .trigger import TableTriggers, base_name, comment, mark_of


def wanted(schema: Schema, dialect: Dialect) -> list[TableTriggers]:
    """The triggers that capture every write to a schema's tables.

    Raises:
        SchemaError: its document id cannot be read by SQL.
    """
    return [_of_table(schema, one, dialect) for one in captured(schema)]


def _of_table(schema: Schema, source: Captured, dialect: Dialect) -> TableTriggers:
    table = table_sql(source.table, dialect)
    base = base_name(schema.uid, table)
    bodies = {}
    for event, rows in (("INSERT", ("NEW",)), ("UPDATE", ("OLD", "NEW")), ("DELETE", ("OLD",))):
        operation = Operation.DELETE if event == "DELETE" else Operation.UPSERT
        read = " UNION ".join(
            # Two ids that a collation takes for one are two.
            f"SELECT {source.id_of(row, dialect)} COLLATE BINARY AS id WHERE {source.condition(row, dialect)}"
            for row in rows
        )
        if event == "UPDATE" and source.shown is not None:
            # Byte by byte: what a collation takes for equal is shown as it is.
            pairs = zip(*([source.id_of(row, dialect), *source.shown_of(row, dialect)] for row in rows), strict=True)
            differs = " OR ".join(f"{old} COLLATE BINARY IS NOT {new}" for old, new in pairs)
            read = f"SELECT id FROM ({read}) WHERE {differs}"
        chosen = values(schema.uid, operation, dialect, documents="count(*)")
        bodies[event] = (
            f"{INSERT_INTO}\n  SELECT json_group_array(id), {chosen}\n  FROM ({read}) WHERE id IS NOT NULL GROUP BY ''"
        )
    mark = mark_of(repr(sorted(bodies.items())))
    names, made = [], []
    for event, body in bodies.items():
        name = f"{base}_{event.lower()}"
        names.append(name)
        made.append(f"DROP TRIGGER IF EXISTS {name}")
        switch = "WHEN NOT EXISTS (SELECT 1 FROM scrypath_ledger WHERE capture_off = 1)"
        note = comment(schema.uid, mark)
        made.append(f"CREATE TRIGGER {name} AFTER {event} ON {table} {switch} BEGIN {note}\n  {body};\nEND")
    made.append("UPDATE scrypath_ledger SET capture_off = 0")  # a switch that somebody left off is off for everybody
    return TableTriggers(table=table, names=tuple(names), mark=mark, statements=tuple(made))
