"""SQLite for an application with several writers: its own sessions and our claims beside them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from sqlalchemy import Connection, Engine, RootTransaction, SingletonThreadPool, StaticPool, event
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from ..errors import ConfigError, LedgerLocked

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

E = TypeVar("E", bound="Engine | AsyncEngine")

BUSY_MILLISECONDS = 30_000
"""How long a transaction waits for another one's write lock before it is refused as locked."""
OWN_MILLISECONDS = 500
"""The same where a transaction of the waiting thread's own may hold the lock: it cannot end while the thread waits."""


class _Begun(threading.local):
    """The connections on which the calling thread has begun transactions."""

    def __init__(self) -> None:
        self.connections: WeakSet[Connection] = WeakSet()


_BEGUN = _Begun()
_LOCKED = (
    "this thread has a transaction open on the SQLite database, which has one writer at a time: give the call its"
    " session (session= or connection=), or end that transaction first"
)


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
        watch(sync)
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


# our own transactions


def watch(engine: Engine) -> None:
    """Note which thread begins each transaction of an engine, from now on."""
    if not event.contains(engine, "begin", _note):
        event.listen(engine, "begin", _note)


def begin_writing(connection: Connection, seconds: float | None = None) -> RootTransaction:
    """Begin a transaction that takes the write lock on a connection without one, within `seconds` where given.

    Raises:
        LedgerLocked: a transaction that this thread has open holds the lock: waiting for it would be in vain.
    """
    driver: Any = connection.connection.dbapi_connection
    held_here = bool(_open_here(connection.engine))
    limit = OWN_MILLISECONDS if held_here else None if seconds is None else int(seconds * 1_000)
    with nullcontext() if limit is None else _impatient(driver, limit):
        try:
            transaction = connection.begin()
            begin_immediate(connection)
        except OperationalError as exc:
            if held_here and getattr(exc.orig, "sqlite_errorname", None) == "SQLITE_BUSY":
                raise LedgerLocked(_LOCKED) from None  # no lost race: nobody is to try it again
            raise
    return transaction


def refuse_shared(engine: Engine) -> None:
    """Refuse a second transaction on the one connection of a database in memory: to end it would end the first.

    Raises:
        LedgerLocked: this thread has a transaction open on it that has written.
    """
    shared = isinstance(engine.pool, StaticPool | SingletonThreadPool)
    if shared and any(one.engine.pool is engine.pool for one in _open_here(engine)):
        raise LedgerLocked(_LOCKED)


def begin_immediate(connection: Connection) -> None:
    """Take SQLite's write lock at the start: a transaction that reads first and writes later can lose at once."""
    driver = connection.connection.dbapi_connection
    if driver is not None and getattr(driver, "in_transaction", False):
        connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _impatient(driver: Any, milliseconds: int) -> Iterator[None]:
    patience = driver.execute("PRAGMA busy_timeout").fetchone()[0]
    driver.execute(f"PRAGMA busy_timeout={min(patience, milliseconds)}")
    try:
        yield
    finally:
        driver.execute(f"PRAGMA busy_timeout={patience}")


def _note(connection: Connection) -> None:
    if connection.get_execution_options().get("sqlite_begin") != "DEFERRED":
        _BEGUN.connections.add(connection)


def _open_here(engine: Engine) -> list[Connection]:
    """The connections to an engine's database on which this thread has a transaction open."""
    begun = (one for one in tuple(_BEGUN.connections) if one.engine.url.database == engine.url.database)
    return [one for one in begun if _is_open(one)]


def _is_open(held: Connection) -> bool:
    with suppress(SQLAlchemyError):
        driver = None if held.closed or not held.in_transaction() else held.connection.dbapi_connection
        return bool(getattr(driver, "in_transaction", False))
    return False
