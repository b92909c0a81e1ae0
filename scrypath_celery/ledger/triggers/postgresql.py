"""PostgreSQL: triggers a statement, which see all its rows at once and write one work for every thousand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import Dialect

from ...declaration.fan_out import Route
from ...declaration.schema import Schema
from ...work import MAX_IDS
from ..notifications import CHANNEL
from .captured import Captured, Write, captured
from .insert_sql import INSERT_INTO, values
from .names import literal_sql, table_sql
from .related_ids import RelatedIds
from .row_ids import RowIds
from .trigger import TableTriggers, base_name, mark_of, signature

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
# Floats are compared as text, which a client may have had cut to fewer digits than they have.
_SETTINGS = "SET extra_float_digits = 1"
# Whoever may call it could put it on a table of types of their own, whose casts it would run with its own rights.
_REVOKE = "REVOKE ALL ON FUNCTION {}() FROM PUBLIC"
_NOTICE = f"    IF FOUND THEN PERFORM pg_notify('{CHANNEL}', {{}}); END IF;\n"
_ROWS = {"insert": ("new_rows",), "update": ("old_rows", "new_rows"), "delete": ("old_rows",), "truncate": ()}


def wanted(
    schema: Schema, routes: Iterable[Route], dialect: Dialect, path: str, *, notify: bool
) -> list[TableTriggers]:
    """The triggers that capture every write to the tables that a schema's documents are made of.

    `path` is the search path under which they find the ledger and these tables, whatever that of the writer is. With
    `notify` they notify whoever listens of what they have written.

    Raises:
        SchemaError: an id cannot be read by SQL.
    """
    return [_of_table(schema, one, dialect, path, notify=notify) for one in captured(schema, routes)]


def _of_table(schema: Schema, source: Captured, dialect: Dialect, path: str, *, notify: bool) -> TableTriggers:
    table = table_sql(source.table, dialect)
    base = base_name(schema.uid, table, purpose=source.purpose)
    reads = {event: list(_reads(source, event, dialect)) for event in _EVENTS}
    bodies = {event: _branch(schema, event, found, dialect, notify=notify) for event, found in reads.items() if found}
    mark = mark_of("\n".join((path, _SETTINGS, _REVOKE, *bodies.values())))
    # Whoever writes to the application's table need not be allowed to write to the ledger.
    function = (
        f"CREATE OR REPLACE FUNCTION {base}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
        f" SET search_path = {path} {_SETTINGS} AS $scrypath$\n"
        f"/* {signature(schema.uid, mark)} */\nBEGIN\n"
        f"  IF current_setting('{SWITCH}', true) = 'off' THEN RETURN NULL; END IF;\n"
        f"{''.join(bodies.values())}  RETURN NULL;\nEND $scrypath$"
    )
    names, made = [], [function, _REVOKE.format(base)]
    for event in bodies:
        when, referencing = _EVENTS[event]
        name = f"{base}_{event}"
        names.append(name)
        made.append(f"DROP TRIGGER IF EXISTS {name} ON {table}")
        parts = (f"CREATE TRIGGER {name} {when} ON {table}", referencing, f"EXECUTE FUNCTION {base}()")
        made.append(" ".join(part for part in (parts[0], parts[1], "FOR EACH STATEMENT", parts[2]) if part))
    return TableTriggers(
        table=table,
        on=source.table,
        names=tuple(names),
        mark=mark,
        statements=tuple(made),
        misses=source.misses,
    )


def _reads(source: Captured, event: str, dialect: Dialect) -> Iterator[tuple[Write, str]]:
    """What an event writes, each with the SQL that gives its ids."""
    changed, deleted = source.changed, source.deleted
    rows = _ROWS[event] or (table_sql(source.table, dialect),)
    if changed is not None and event in ("insert", "update"):
        assert isinstance(changed.ids, RowIds)
        yield changed, _changed(changed.ids, rows, dialect)
    if deleted is None or event == "insert":
        return
    if isinstance(deleted.ids, RelatedIds):
        read = f"{rows[0]} AS r"
        if event == "update":  # what rows led to that lead elsewhere now
            listed = ", ".join(deleted.ids.listed("seen", dialect))
            old, new = (f"SELECT {listed} FROM {name} AS seen" for name in rows)
            read = f"({old} EXCEPT {new}) AS r"
        yield deleted, f'SELECT id COLLATE "C" AS id FROM ({deleted.ids.read(read, dialect)}) AS related'
    elif event in ("delete", "truncate"):
        yield deleted, _changed(deleted.ids, rows, dialect)


def _changed(ids: RowIds, rows: tuple[str, ...], dialect: Dialect) -> str:
    shown = len(rows) > 1 and ids.shown is not None
    reads = [_read(ids, name, dialect, shown=shown) for name in rows]
    if not shown:
        return " UNION ".join(reads)
    old, new = reads  # what both have is not changed, whichever row had it
    return f"SELECT id FROM (({old} EXCEPT {new}) UNION ({new} EXCEPT {old})) AS changed GROUP BY id"


def _read(ids: RowIds, name: str, dialect: Dialect, *, shown: bool) -> str:
    """Read the ids of some rows, and beside them what is shown of each where that decides."""
    # Two ids, or values, that a collation takes for one are two.
    columns = f'{ids.id_of("r", dialect)} COLLATE "C" AS id'
    if shown:
        seen = ", ".join(ids.shown_of("r", dialect)) or "1"
        columns += f', CAST(ROW({seen}) AS text) COLLATE "C" AS seen'
    return f"SELECT {columns} FROM {name} AS r WHERE {ids.condition('r', dialect)}"


def _branch(schema: Schema, event: str, found: Iterable[tuple[Write, str]], dialect: Dialect, *, notify: bool) -> str:
    notice = _NOTICE.format(literal_sql(schema.uid, dialect)) if notify else ""
    inserts = "".join(
        f"    {INSERT_INTO}\n"
        f"    SELECT CAST(json_agg(id) AS text), {values(schema.uid, write, dialect)}\n"
        f"    FROM (SELECT id, (row_number() OVER () - 1) / {MAX_IDS} AS part FROM ({read}) AS seen\n"
        f"          WHERE id IS NOT NULL) AS numbered GROUP BY part;\n{notice}"
        for write, read in found
    )
    refusal = _REFUSE_SNAPSHOT if event == "truncate" else ""
    return f"  IF TG_OP = '{event.upper()}' THEN\n{refusal}{inserts}  END IF;\n"
