"""Bounds of a look into the ledger, so that a lock or a frozen database holds up nobody who only wants to see."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, text

from ..errors import LedgerUnavailable

T = TypeVar("T")


def within(seconds: float, function: Callable[[], T]) -> T:
    """What `function` returns, if it does within `seconds`.

    A server that is frozen answers neither a connection nor a statement, and not every driver can be told to give up.
    So it runs in a thread that is left behind where it takes longer.

    Raises:
        LedgerUnavailable: it took longer. Whatever `function` raises.
    """
    answers: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(1)

    def run() -> None:
        try:
            answers.put((function(), None))
        except BaseException as exc:  # noqa: BLE001 - the caller gets it
            answers.put((None, exc))

    look = _Look(target=run, name="scrypath-look", daemon=True)
    look.start()
    try:
        result, error = answers.get(timeout=seconds)
    except queue.Empty:
        look.given_up = True
        raise LedgerUnavailable(f"the ledger's database did not answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


class _Look(threading.Thread):
    """A thread that is left behind where it takes longer than its caller waits."""

    given_up = False


@contextmanager
def limited(connection: Connection, seconds: float | None) -> Iterator[None]:
    """Let no statement and no wait for a lock in this transaction take longer than `seconds`; None leaves all as it is.

    The connection is the application's: what is set for it ends with the transaction, or the connection is closed. So
    is one that nobody waits for any more: the pool that it came from may be gone by then.
    """
    with _limited(connection, seconds):
        try:
            yield
        finally:
            if getattr(threading.current_thread(), "given_up", False) and not connection.invalidated:
                connection.detach()


@contextmanager
def _limited(connection: Connection, seconds: float | None) -> Iterator[None]:
    name = connection.dialect.name
    if seconds is None:
        yield
    elif name == "postgresql":
        limit = f"{int(seconds * 1000)}ms"
        query = "SELECT set_config('statement_timeout', :limit, true), set_config('lock_timeout', :limit, true)"
        connection.execute(text(query), {"limit": limit})
        yield
    elif name == "sqlite":
        before = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(seconds * 1000)}")
        try:
            yield
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {before}")
    else:
        whole = max(1, int(seconds))
        names = ["innodb_lock_wait_timeout", "lock_wait_timeout"]
        settings = [f"SESSION {name} = {whole}" for name in names]
        if getattr(connection.dialect, "is_mariadb", False):
            settings.append(f"SESSION max_statement_time = {seconds:g}")
        connection.exec_driver_sql(f"SET {', '.join(settings)}")
        try:
            yield
        finally:
            if not connection.invalidated:
                connection.detach()  # closed at its end, instead of going back to the application with these settings
