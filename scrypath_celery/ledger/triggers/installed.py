"""The triggers of ours that a database has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import Connection, inspect, text
from sqlalchemy.engine.interfaces import ReflectedColumn

from .names import quoting
from .trigger import PREFIX, Found, read_mark

_POSTGRESQL = text(
    "SELECT t.tgname AS name, c.relname AS table_name, n.nspname AS table_schema, t.tgenabled AS enabled,"
    " p.prosrc AS body, p.proname AS function_name, h.nspname AS function_schema,"
    " pg_table_is_visible(c.oid) AS visible FROM pg_proc p JOIN pg_namespace h ON h.oid = p.pronamespace"
    " LEFT JOIN pg_trigger t ON t.tgfoid = p.oid AND NOT t.tgisinternal LEFT JOIN pg_class c ON c.oid = t.tgrelid"
    " LEFT JOIN pg_namespace n ON n.oid = c.relnamespace WHERE starts_with(p.proname, :prefix)"
    # Of a ledger that another search path leads to, another installation takes care.
    " AND h.nspname = ANY(current_schemas(false))"
    " ORDER BY p.proname, t.tgname"
)
_MARIADB = text(
    "SELECT trigger_name AS name, event_object_table AS table_name, action_statement AS body, 1 AS enabled"
    " FROM information_schema.triggers WHERE trigger_schema = DATABASE() AND LEFT(trigger_name, :length) = :prefix"
    " ORDER BY trigger_name"
)
_SQLITE = text(
    "SELECT name, tbl_name AS table_name, sql AS body, 1 AS enabled FROM sqlite_master"
    " WHERE type = 'trigger' AND substr(name, 1, :length) = :prefix ORDER BY name"
)
_SQLITE_SWITCH = text("SELECT 1 FROM scrypath_ledger WHERE capture_off = 1")


def installed(connection: Connection, index_uid: str) -> list[Found]:
    """Our triggers for an index, by name."""
    return [found for found in all_installed(connection) if found.index_uid == index_uid]


def all_installed(connection: Connection) -> list[Found]:
    """Our triggers for all indexes, by name."""
    read = {"postgresql": _postgresql, "sqlite": _sqlite}.get(connection.dialect.name, _mariadb)
    return list(read(connection))


def _postgresql(connection: Connection) -> Iterator[Found]:
    quote = quoting(connection.dialect).quote
    for row in connection.execute(_POSTGRESQL, {"prefix": PREFIX}):
        if (mark := read_mark(row.body)) is None:
            continue
        drop_function = f"DROP FUNCTION IF EXISTS {quote(row.function_schema)}.{row.function_name}() CASCADE"
        if row.name is None:  # its table is gone
            name, table, drop = row.function_name, row.function_name, [drop_function]
        else:
            table = quote(row.table_name) if row.visible else f"{quote(row.table_schema)}.{quote(row.table_name)}"
            name, drop = row.name, [f"DROP TRIGGER IF EXISTS {row.name} ON {table}", drop_function]
        enabled = row.enabled in ("O", "A", b"O", b"A")
        yield Found(name=name, table=table, index_uid=mark[0], mark=mark[1], enabled=enabled, drop=tuple(drop))


def _mariadb(connection: Connection) -> Iterator[Found]:
    return _plain(connection, _MARIADB)


def _sqlite(connection: Connection) -> Iterator[Found]:
    there = {column["name"] for column in _columns(connection, "scrypath_ledger")}
    off = "capture_off" in there and connection.execute(_SQLITE_SWITCH).first() is not None
    return (replace(one, enabled=not off) for one in _plain(connection, _SQLITE))


def _columns(connection: Connection, table: str) -> list[ReflectedColumn]:
    """The columns of a table; none where it is not there: triggers may outlive their ledger."""
    inspector = inspect(connection)
    return inspector.get_columns(table) if inspector.has_table(table) else []


def _plain(connection: Connection, query: object) -> Iterator[Found]:
    quote = quoting(connection.dialect).quote
    for row in connection.execute(query, {"prefix": PREFIX, "length": len(PREFIX)}):  # type: ignore[call-overload]
        if (mark := read_mark(row.body)) is not None:
            drop = (f"DROP TRIGGER IF EXISTS {row.name}",)
            table = quote(row.table_name)
            enabled = bool(row.enabled)
            yield Found(name=row.name, table=table, index_uid=mark[0], mark=mark[1], enabled=enabled, drop=drop)
