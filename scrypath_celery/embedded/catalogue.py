"""The indexes: names, primary keys, settings, dates; made, renamed, swapped and removed."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from . import clock
from .database import Database
from .refusal import Refusal
from .settings import defaults


@dataclass(slots=True)
class Index:
    """One index. `number` stays with the content when names are swapped; `version` grows with every change.

    `fields` are the names of top-level fields in the order in which they were first seen: documents come back with
    their fields in that order.
    """

    number: int
    uid: str
    primary_key: str | None
    created_at: str
    updated_at: str
    settings: dict[str, Any] = field(default_factory=defaults)
    fields: list[str] = field(default_factory=list)
    version: int = 0

    @property
    def table(self) -> str:
        """The name of the table that holds its documents."""
        return f"documents_{self.number}"

    def view(self) -> dict[str, Any]:
        """The index as `GET /indexes/{uid}` shows it."""
        return {
            "uid": self.uid,
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "primaryKey": self.primary_key,
        }


class Catalogue:
    """All indexes of one engine. What changes something runs inside the caller's transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, uid: str) -> Index | None:
        """The index of that name, or None."""
        row = self._database.one("SELECT * FROM indexes WHERE uid = ?", (uid,))
        return None if row is None else _from_row(row)

    def get(self, uid: str) -> Index:
        """The index of that name; Refusal `index_not_found`."""
        index = self.find(uid)
        if index is None:
            raise Refusal("index_not_found", f"Index `{uid}` not found.")
        return index

    def all(self) -> list[Index]:
        """All indexes by name."""
        return [_from_row(row) for row in self._database.all("SELECT * FROM indexes ORDER BY uid")]

    def create(self, uid: str, primary_key: str | None = None) -> Index:
        """Make an index; Refusal `index_already_exists`."""
        if self.find(uid) is not None:
            raise Refusal("index_already_exists", f"Index `{uid}` already exists.")
        moment = clock.now()
        index = Index(self._database.count_up("index"), uid, primary_key, moment, moment)
        connection = self._database.connection
        connection.execute(
            "INSERT INTO indexes VALUES (?, ?, ?, ?, ?, ?, ?, 0)",
            (index.number, uid, primary_key, moment, moment, json.dumps(index.settings), "[]"),
        )
        connection.execute(
            f"CREATE TABLE {index.table} (docid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, shape INTEGER NOT NULL,"
            " body BLOB NOT NULL)"
        )
        return index

    def save(self, index: Index) -> None:
        """Write an index back after a task has worked on it; its `updatedAt` is the present."""
        index.updated_at, index.version = clock.now(), index.version + 1
        self._database.connection.execute(
            "UPDATE indexes SET primary_key = ?, updated_at = ?, settings = ?, fields = ?, version = ?"
            " WHERE number = ?",
            (
                index.primary_key,
                index.updated_at,
                json.dumps(index.settings),
                json.dumps(index.fields),
                index.version,
                index.number,
            ),
        )

    def delete(self, index: Index) -> None:
        """Remove an index with its documents."""
        self._database.connection.execute("DELETE FROM indexes WHERE number = ?", (index.number,))
        self._database.connection.execute('DELETE FROM tallies WHERE "index" = ?', (index.number,))
        self._database.connection.execute(f"DROP TABLE {index.table}")

    def rename(self, index: Index, uid: str) -> None:
        """Give an index another name; Refusal `index_already_exists`."""
        if uid != index.uid and self.find(uid) is not None:
            raise Refusal("index_already_exists", f"Index `{uid}` already exists.")
        self._name(index.number, uid)
        index.uid = uid

    def swap(self, left: Index, right: Index) -> None:
        """Exchange the names of two indexes; all else stays with the content."""
        self._name(left.number, f"{left.uid} {right.uid}")
        self._name(right.number, left.uid)
        self._name(left.number, right.uid)

    def _name(self, number: int, uid: str) -> None:
        statement = "UPDATE indexes SET uid = ?, version = version + 1 WHERE number = ?"
        self._database.connection.execute(statement, (uid, number))


def _from_row(row: sqlite3.Row) -> Index:
    return Index(
        row["number"],
        row["uid"],
        row["primary_key"],
        row["created_at"],
        row["updated_at"],
        json.loads(row["settings"]),
        json.loads(row["fields"]),
        row["version"],
    )
