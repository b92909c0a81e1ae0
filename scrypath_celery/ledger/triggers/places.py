"""Whether triggers can lie where they are wanted, and taking turns with others that install some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Inspector, Table, inspect, text
from sqlalchemy.dialects.postgresql.base import PGInspector
from sqlalchemy.exc import SQLAlchemyError

from ...declaration.schema import Schema
from ...errors import LedgerError, LedgerUnavailable, SchemaError
from .trigger import TableTriggers

PATIENCE = 300
"""Seconds that one who installs or removes triggers waits for another on MariaDB and MySQL."""
_LOCK = "CONCAT('scrypath_triggers_', SHA1(DATABASE()))"  # the server's: one for each of its databases


@contextmanager
def in_turn(connection: Connection) -> Iterator[None]:
    """Let nobody else install or remove triggers meanwhile (on PostgreSQL: until the transaction ends).

    Raises:
        LedgerUnavailable: another did not end in five minutes.
    """
    name = connection.dialect.name
    if name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('scrypath_triggers'))"))
    if name not in ("mysql", "mariadb"):  # SQLite has one writer
        yield
        return
    # Each statement that makes a trigger ends the transaction, and a row's lock with it.
    if not connection.execute(text(f"SELECT GET_LOCK({_LOCK}, {PATIENCE})")).scalar():
        raise LedgerUnavailable(
            "another process installs or removes triggers, for minutes: do this again when it ended"
        )
    try:
        yield
    finally:
        with suppress(SQLAlchemyError):  # a connection that is lost has let go of it
            connection.execute(text(f"DO RELEASE_LOCK({_LOCK})"))


def refuse_elsewhere(connection: Connection, schema: Schema, wanted: Iterable[TableTriggers]) -> None:
    """Refuse tables of another database, which a trigger cannot write into the ledger from.

    Raises:
        SchemaError: on MariaDB, MySQL and SQLite, where each schema is a database.
    """
    if connection.dialect.name == "postgresql":
        return
    for one in wanted:
        if one.on.schema not in (None, connection.dialect.default_schema_name):
            raise SchemaError(
                f"triggers cannot capture {schema.name}: its table {one.table} is in another database than the ledger;"
                " capture its writes by calls or track"
            )


def refuse_missing(connection: Connection, schema: Schema, wanted: Iterable[TableTriggers]) -> None:
    """Refuse tables that are not there, and what is no table, which bears no trigger of ours.

    Raises:
        LedgerError: a table is missing. SchemaError: it is a view, or a table that is kept elsewhere.
    """
    inspector = inspect(connection)
    for table in dict.fromkeys(one.on for one in wanted):
        if not inspector.has_table(table.name, schema=table.schema):
            raise LedgerError(f"{schema.name} needs triggers on the table {table.fullname}: make that first")
        if (kind := _no_table(inspector, table)) is not None:
            raise SchemaError(
                f"triggers cannot capture {schema.name}: {table.fullname} is a {kind};"
                " capture its writes by calls or track"
            )


def _no_table(inspector: Inspector, table: Table) -> str | None:
    """What a table is that is none."""
    if table.name in inspector.get_view_names(schema=table.schema):
        return "view"
    if not isinstance(inspector, PGInspector):
        return None
    if table.name in inspector.get_materialized_view_names(schema=table.schema):
        return "materialized view"
    return "foreign table" if table.name in inspector.get_foreign_table_names(schema=table.schema) else None
