"""What PostgreSQL tells whoever listens of works that triggers have written; the ledger holds them in any case."""

from __future__ import annotations

import logging
import select
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

CHANNEL = "scrypath_work"
"""The channel; what is sent is the uid of an index (unprefixed)."""

CHECK = 5.0
"""Seconds of silence after which it is asked whether the connection is still there."""
GATHER = 0.05
"""Seconds for which notifications are taken together."""
WAIT, WAIT_MAX = 0.5, 30.0
"""The first and the longest wait (seconds) before the database is connected to again."""

logger = logging.getLogger("scrypath_celery")


def can_listen(engine: Engine) -> bool:
    """Whether the database and its driver can tell of notifications."""
    return engine.dialect.name == "postgresql" and engine.dialect.driver == "psycopg"


def heard(engine: Engine, *, stop: int, is_over: Callable[[], bool]) -> Iterator[set[str] | None]:
    """The uids of indexes that works were written for, as they come; None where some may have been missed.

    It connects again where the connection is lost, however often, and ends once `stop`, a file descriptor, is readable
    (or closed at its other end), or `is_over`, which is asked every few seconds.
    """
    wait = WAIT
    while not is_over():
        try:
            with closing(_connect(engine)) as connection:
                wait = WAIT
                yield None
                yield from _of(connection, stop, is_over)
                return
        except (SQLAlchemyError, OSError, engine.dialect.loaded_dbapi.Error) as exc:
            logger.warning("no notifications of the ledger's database (%s): again in %g s", type(exc).__name__, wait)
        if _readable(wait, stop):
            return
        wait = min(2 * wait, WAIT_MAX)


def _connect(engine: Engine) -> Any:
    """A connection of the driver's own, outside any pool, which listens."""
    connection = engine.raw_connection()
    connection.detach()
    driver: Any = connection.dbapi_connection
    driver.rollback()  # what the application does with a new connection may have begun a transaction
    driver.autocommit = True
    driver.execute(f"LISTEN {CHANNEL}")
    return driver


def _of(connection: Any, stop: int, is_over: Callable[[], bool]) -> Iterator[set[str]]:
    while not is_over():
        ready = _readable(CHECK, stop, connection.fileno())
        if stop in ready:
            return
        if not ready:
            connection.execute("SELECT 1")
        if told := {one.payload for one in connection.notifies(timeout=GATHER)}:
            yield told


def _readable(seconds: float, *files: int) -> set[int]:
    """Those of some file descriptors that can be read, or are closed at the other end, waited for so long."""
    poll = select.poll()
    for file in files:
        poll.register(file, select.POLLIN | select.POLLHUP | select.POLLERR)
    return {file for file, _ in poll.poll(seconds * 1000)}
