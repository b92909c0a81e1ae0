"""PostgreSQL: triggers a statement, which see all its rows at once and write one work for every thousand."""

from __future__ import annotations

from sqlalchemy import Dialect

from ...declaration.schema import Schema
from ...work import MAX_IDS, Operation
from .captured import Captured, captured, literal_sql, table_sql
from .insert_sql import INSERT_INTO, values
from .trigger import TableTriggers, base_name, comment, mark_of

SWITCH = "scrypath.capture"
"""The setting that switches the triggers off for a transaction: `SET LOCAL scrypath.capture = off`."""

_EVENTS = {
    "insert": ("AFTER INSERT", "REFERENCING NEW TABLE AS new_rows"),
    "update": ("AFTER UPDATE", "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    "delete": ("AFTER DELETE", "REFERENCING OLD TABLE AS old_rows"),
    "truncate": ("BEFORE TRUNCATE", ""),
}
# It removes rows that an older snapshot does not show, so their ids could not be read.
_REFUSE_SNAPSHOT = (
    "    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN\n"
    "      RAISE EXCEPTION 'scrypath-celery cannot see all rows that this TRUNCATE removes'\n"
    f"        USING HINT = 'Truncate under READ COMMITTED, or SET LOCAL {SWITCH} = off and reconcile afterwards.';\n"
    "    END IF;\n"
)
_ROWS = {"insert": ("new_rows",), "update": ("old_rows", "new_rows"), "delete": ("old_rows",), "truncate": ()}


def wanted(schema: Schema, dialect: Dialect, path: str) -> list[TableTriggers]:
    """The triggers that capture every write to a schema's tables.

    `path` is the search path under which they find the ledger and these tables, whatever that of the writer is.

    Raises:
        SchemaError: its document id cannot be read by SQL.
    """
    return [_of_table(schema, one, dialect, path) for one in captured(schema)]


def _of_table(schema: Schema, source: Captured, dialect: Dialect, path: str) -> TableTriggers:
    table = table_sql(source.table, dialect)
    base = base_name(schema.uid, table)
    bodies = [_branch(schema, source, event, dialect) for event in _EVENTS]
    mark = mark_of("\n".join((path, *bodies)))
    # Whoever writes to the application's table need not be allowed to write to the ledger.
    function = (
        f"CREATE OR REPLACE FUNCTION {base}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f" SET search_path = {path} AS $scrypath$\n"
        f"{comment(schema.uid, mark)}\nBEGIN\n"
        f"  IF current_setting({literal_sql(SWITCH)}, true) = 'off' THEN RETURN NULL; END IF;\n"
        f"{''.join(bodies)}  RETURN NULL;\nEND $scrypath$"
    )
    names, made = [], [function]
    for event, (when, referencing) in _EVENTS.items():
        name = f"{base}_{event}"
        names.append(name)
        made.append(f"DROP TRIGGER IF EXISTS {name} ON {table}")
        parts = (f"CREATE TRIGGER {name} {when} ON {table}", referencing, f"EXECUTE FUNCTION {base}()")
        made.append(" ".join(part for part in (parts[0], parts[1], "FOR EACH STATEMENT", parts[2]) if part))
    return TableTriggers(table=table, names=tuple(names), mark=mark, statements=tuple(made))


def _branch(schema: Schema, source: Captured, event: str, dialect: Dialect) -> str:
    operation = Operation.DELETE if event in ("delete", "truncate") else Operation.UPSERT
    rows = _ROWS[event] or (table_sql(source.table, dialect),)
    shown = event == "update" and source.shown is not None
    reads = [_read(source, name, dialect, shown=shown) for name in rows]
    read = " UNION ".join(reads)
    if shown:  # what both have is not changed, whichever row had it
        old, new = reads
        read = f"SELECT id FROM (({old} EXCEPT {new}) UNION ({new} EXCEPT {old})) AS changed GROUP BY id"
    chosen = values(schema.uid, operation, dialect, documents="count(*)")
    return (
        f"  IF TG_OP = '{event.upper()}' THEN\n{_REFUSE_SNAPSHOT if event == 'truncate' else ''}"
        f"    {INSERT_INTO}\n"
        f"    SELECT CAST(json_agg(id) AS text), {chosen}\n"
        f"    FROM (SELECT id, (row_number() OVER () - 1) / {MAX_IDS} AS part FROM ({read}) AS seen\n"
        "          WHERE id IS NOT NULL) AS numbered GROUP BY part;\n"
        "  END IF;\n"
    )


def _read(source: Captured, name: str, dialect: Dialect, *, shown: bool) -> str:
    """Read the ids of some rows, and beside them what is shown of each where that decides."""
    # Two ids, or values, that a collation takes for one are two.
    columns = f'{source.id_of("r", dialect)} COLLATE "C" AS id'
    if shown:
        seen = ", ".join(source.shown_of("r", dialect)) or "1"
        columns += f', CAST(ROW({seen}) AS text) COLLATE "C" AS seen'
    return f"SELECT {columns} FROM {name} AS r WHERE {source.condition('r', dialect)}"
