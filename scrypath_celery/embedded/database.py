"""The SQLite database underneath: one connection, one lock, one writer at a time."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import EmbeddedError

APPLICATION_ID = 0x5C9A7E11
"""Marks a file as ours (SQLite's `application_id`)."""

FORMAT = 2
"""Counts the changes of the tables (SQLite's `user_version`)."""

_IN_FOLDER = "engine.db"
_TABLES = """
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('task', 0), ('batch', 0), ('index', 0);
CREATE TABLE tasks (
    uid INTEGER PRIMARY KEY, batch INTEGER, "index" TEXT, status TEXT NOT NULL, kind TEXT NOT NULL, canceled_by INTEGER,
    details TEXT, error TEXT, enqueued_at TEXT NOT NULL, started_at TEXT, finished_at TEXT, metadata TEXT,
    mentions TEXT, content TEXT NOT NULL, size INTEGER NOT NULL, payload BLOB);
CREATE INDEX tasks_by_status ON tasks (status, uid);
CREATE INDEX tasks_by_index ON tasks ("index", uid);
CREATE INDEX tasks_by_batch ON tasks (batch, uid);
CREATE TABLE batches (
    uid INTEGER PRIMARY KEY, details TEXT NOT NULL, stats TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT,
    strategy TEXT NOT NULL);
CREATE TABLE indexes (
    number INTEGER PRIMARY KEY, uid TEXT NOT NULL UNIQUE, primary_key TEXT, created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL, settings TEXT NOT NULL, fields TEXT NOT NULL, version INTEGER NOT NULL);
CREATE TABLE shapes (number INTEGER PRIMARY KEY, keys TEXT NOT NULL UNIQUE);
CREATE TABLE tallies (
    "index" INTEGER, shape INTEGER, documents INTEGER NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY ("index", shape)
) WITHOUT ROWID;
CREATE TABLE webhooks (uuid TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE keys (uid TEXT PRIMARY KEY, body TEXT NOT NULL, created_at TEXT NOT NULL) WITHOUT ROWID;
"""


class Database:
    """One SQLite database, in a file or in memory.

    There is one connection, and whoever uses it holds `lock`: nobody sees half a transaction, and what is long (to
    parse, to check, to encode) is done before the lock is taken. `file` is the path, that of a folder for it, or None
    for memory. EmbeddedError where the file belongs to another program, to another version of this one, or is in use.
    """

    def __init__(self, file: str | Path | None = None) -> None:
        self.lock = threading.RLock()
        path = None if file is None else Path(file)
        self.file = path / _IN_FOLDER if path is not None and path.is_dir() else path
        self.connection = self._open()

    def _open(self) -> sqlite3.Connection:
        if self.file is None:
            connection = _connect(":memory:")
            _create(connection)
            return connection
        try:
            connection = _connect(str(self.file))
        except sqlite3.Error as exc:
            raise EmbeddedError(
                f"cannot open {self.file}: {exc}; name a file in a directory that can be written"
            ) from exc
        try:
            self._claim(connection)
        except sqlite3.Error as exc:
            connection.close()
            if isinstance(exc, sqlite3.OperationalError) and "locked" in str(exc):
                raise EmbeddedError(f"{self.file} is in use by another process; stop it or name another file") from exc
            raise EmbeddedError(f"{self.file} is no file of the embedded engine; name another file") from exc
        except EmbeddedError:
            connection.close()
            raise
        return connection

    def _claim(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA busy_timeout = 0")
        # An exclusive lock for as long as the process lives; the operating system drops it after kill -9.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        if connection.execute("PRAGMA schema_version").fetchone()[0]:
            owner = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if owner != APPLICATION_ID:
                raise EmbeddedError(f"{self.file} is no file of the embedded engine; name another file")
            if version != FORMAT:
                raise EmbeddedError(f"{self.file} was written by another version of the embedded engine; remove it")
        # NORMAL in WAL mode: a commit outlives the process, though not a power cut.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("BEGIN EXCLUSIVE")
        if connection.execute("PRAGMA schema_version").fetchone()[0]:
            connection.execute("COMMIT")
        else:
            connection.execute("COMMIT")
            _create(connection)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the lock; commit what is done inside, or roll it all back when it raises."""
        with self.lock:
            self.connection.execute("BEGIN")
            try:
                yield self.connection
            except BaseException:
                self.connection.execute("ROLLBACK")
                raise
            self.connection.execute("COMMIT")

    def all(self, statement: str, values: Any = ()) -> list[sqlite3.Row]:
        """The rows of a query."""
        with self.lock:
            return self.connection.execute(statement, values).fetchall()

    def one(self, statement: str, values: Any = ()) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        with self.lock:
            row: sqlite3.Row | None = self.connection.execute(statement, values).fetchone()
            return row

    def count_up(self, name: str, by: int = 1) -> int:
        """The next number of a counter, inside the transaction of the caller; `by` numbers are taken."""
        row = self.connection.execute(
            "UPDATE counters SET value = value + ? WHERE name = ? RETURNING value - ?", (by, name, by)
        ).fetchone()
        return int(row[0])

    def copy(self) -> sqlite3.Connection:
        """A copy of everything, in memory."""
        copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with self.lock:
            self.connection.backup(copy)
        return copy

    def replace(self, copy: sqlite3.Connection) -> None:
        """Take the state of `copy`, made by `copy()`, in place of the present one."""
        with self.lock:
            copy.backup(self.connection)

    def close(self) -> None:
        """Close the connection and let go of the file."""
        with self.lock:
            self.connection.close()


def _connect(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.row_factory = sqlite3.Row
    return connection


def _create(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; {_TABLES} COMMIT;"
    )
