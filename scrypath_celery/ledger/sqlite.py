"""SQLite for an application with several writers: its own sessions and our claims beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine, event

from ..errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

E = TypeVar("E", bound="Engine | AsyncEngine")

BUSY_MILLISECONDS = 30_000
"""How long a transaction waits for another one's write lock before it is refused as locked."""


def configure(engine: E) -> E:
    """Make every transaction of a SQLite engine take the write lock when it begins; the same engine.

    SQLite refuses at once, whatever the timeout, a transaction that reads, is overtaken by another writer, and then
    writes (SQLITE_BUSY_SNAPSHOT). One that begins IMMEDIATE waits for the other instead. So call this on the
    application's engine (or async engine) before its first connection:

        engine = configure(create_engine("sqlite:///shop.db"))

    It also turns on write-ahead logging, so that readers outside a transaction go on beside a writer, and a busy
    timeout of 30 s. A transaction that never writes can leave the lock alone with
    `connection.execution_options(sqlite_begin="DEFERRED")`.

    Raises:
        ConfigError: it is an engine of another database.
    """
    sync = engine if isinstance(engine, Engine) else engine.sync_engine
    if sync.dialect.name != "sqlite":
        raise ConfigError(f"configure() is for SQLite, not for {sync.dialect.name}")
    if not event.contains(sync, "begin", _begin):
        event.listen(sync, "connect", _connect)
        event.listen(sync, "begin", _begin)
    return engine


def _connect(connection: Any, record: Any) -> None:
    # The driver would begin by itself, DEFERRED, and only before the first write.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.close()


def _begin(connection: Connection) -> None:
    how = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {how}")
