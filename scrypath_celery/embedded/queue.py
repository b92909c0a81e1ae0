"""The queue and the history of tasks: registering, finding, marking, ending."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson

from . import clock
from .database import Database
from .selection import Selection
from .task import COLUMNS, FINISHED, Task, from_row

_PIECE = 500


class Queue:
    """All tasks of one engine, in its database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def register(
        self,
        kind: str,
        index: str | None,
        *,
        content: dict[str, Any],
        details: dict[str, Any] | None = None,
        metadata: str | None = None,
        mentions: Sequence[str] | None = None,
        payload: bytes | None = None,
    ) -> Task:
        """Put a task into the queue; when this returns, it is committed.

        `mentions` are the names of indexes that the task touches where that is not `index` alone (swaps, renames);
        `payload` is the JSON array of documents that an addition carries.
        """
        with self._database.transaction() as connection:
            uid = self._database.count_up("task")
            task = Task(uid, kind, index, details, content, clock.now(), metadata=metadata, size=len(payload or b""))
            connection.execute(
                'INSERT INTO tasks (uid, "index", status, kind, details, enqueued_at, metadata, mentions, content,'
                " size, payload) VALUES (?, ?, 'enqueued', ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    uid,
                    index,
                    kind,
                    _encoded(details),
                    task.enqueued_at,
                    metadata,
                    None if mentions is None else json.dumps(list(mentions)),
                    orjson.dumps(content).decode(),
                    task.size,
                    payload,
                ),
            )
        return task

    def get(self, uid: int) -> Task | None:
        """The task of a uid, or None."""
        row = self._database.one(f"SELECT {COLUMNS} FROM tasks WHERE uid = ?", (uid,))
        return None if row is None else from_row(row)

    def payload(self, uid: int) -> bytes:
        """The documents of an addition, as a JSON array."""
        row = self._database.one("SELECT payload FROM tasks WHERE uid = ?", (uid,))
        return b"[]" if row is None or row[0] is None else bytes(row[0])

    def next_jump(self) -> list[Task]:
        """What goes before all else: the newest cancelation, else all deletions of tasks, else one compaction."""
        for kind, order, limit in (
            ("taskCancelation", "DESC", 1),
            ("taskDeletion", "ASC", -1),
            ("indexCompaction", "ASC", 1),
        ):
            rows = self._database.all(
                f"SELECT {COLUMNS} FROM tasks WHERE status = 'enqueued' AND kind = ? ORDER BY uid {order} LIMIT ?",
                (kind, limit),
            )
            if rows:
                return [from_row(row) for row in rows]
        return []

    def first_waiting(self) -> Task | None:
        """The enqueued task with the lowest uid; None where the queue is empty."""
        row = self._database.one(f"SELECT {COLUMNS} FROM tasks WHERE status = 'enqueued' ORDER BY uid LIMIT 1")
        return None if row is None else from_row(row)

    def waiting(self, index: str) -> Iterator[Task]:
        """The enqueued tasks that touch `index`, lowest uid first, read in pieces as they are asked for."""
        last = -1
        while True:
            rows = self._database.all(
                f"""SELECT {COLUMNS} FROM tasks WHERE status = 'enqueued' AND uid > ? AND ("index" = ? OR
                mentions IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(mentions) WHERE value = ?))
                ORDER BY uid LIMIT {_PIECE}""",
                (last, index, index),
            )
            yield from map(from_row, rows)
            if len(rows) < _PIECE:
                return
            last = rows[-1]["uid"]

    def processing(self) -> list[Task]:
        """The tasks of the batch that runs."""
        rows = self._database.all(f"SELECT {COLUMNS} FROM tasks WHERE status = 'processing' ORDER BY uid")
        return [from_row(row) for row in rows]

    def is_indexing(self, index: str) -> bool:
        """Whether a task of the batch that runs belongs to `index`."""
        statement = "SELECT 1 FROM tasks WHERE status = 'processing' AND \"index\" = ? LIMIT 1"
        return self._database.one(statement, (index,)) is not None

    def page(self, selection: Selection) -> tuple[list[Task], int]:
        """One page of tasks and one more, if there is one, and the number of all that match."""
        where, values = selection.where()
        total = self._database.one(f"SELECT COUNT(*) FROM tasks WHERE {where}", values)
        page_where, page_values = selection.from_where("uid")
        rows = self._database.all(
            f"SELECT {COLUMNS} FROM tasks WHERE {where} AND {page_where} ORDER BY uid {selection.order} LIMIT ?",
            (*values, *page_values, selection.limit + 1),
        )
        return [from_row(row) for row in rows], total[0] if total else 0

    def uids(self, selection: Selection) -> list[int]:
        """The uids of all tasks that match, lowest first."""
        where, values = selection.where()
        return [row[0] for row in self._database.all(f"SELECT uid FROM tasks WHERE {where} ORDER BY uid", values)]

    def of_uids(self, uids: Iterable[int]) -> list[Task]:
        """The tasks of the given uids that exist, lowest first."""
        listed = json.dumps(list(uids))
        rows = self._database.all(
            f"SELECT {COLUMNS} FROM tasks WHERE uid IN (SELECT value FROM json_each(?)) ORDER BY uid", (listed,)
        )
        return [from_row(row) for row in rows]

    def start(self, tasks: Iterable[Task], batch: int, started_at: str) -> None:
        """Mark tasks as processing, inside the caller's transaction."""
        values = [(batch, started_at, task.uid) for task in tasks]
        self._database.connection.executemany(
            "UPDATE tasks SET status = 'processing', batch = ?, started_at = ? WHERE uid = ?", values
        )

    def requeue(self) -> None:
        """Put what was processing back, inside the caller's transaction: after a crash, or an aborted batch."""
        connection = self._database.connection
        connection.execute(
            "UPDATE tasks SET status = 'enqueued', batch = NULL, started_at = NULL WHERE status = 'processing'"
        )
        connection.execute("DELETE FROM batches WHERE finished_at IS NULL")

    def end(self, tasks: Iterable[Task]) -> None:
        """Write down how tasks ended, and drop their payloads, inside the caller's transaction."""
        values = [
            (
                task.batch,
                task.status,
                task.canceled_by,
                _encoded(task.details),
                _encoded(task.error),
                task.started_at,
                task.finished_at,
                None if task.status in FINISHED else task.size,
                task.uid,
            )
            for task in tasks
        ]
        self._database.connection.executemany(
            "UPDATE tasks SET batch = ?, status = ?, canceled_by = ?, details = ?, error = ?, started_at = ?,"
            " finished_at = ?, payload = CASE WHEN ? IS NULL THEN NULL ELSE payload END WHERE uid = ?",
            values,
        )

    def forget(self, uids: Iterable[int]) -> None:
        """Remove tasks from history, and batches that have none left, inside the caller's transaction."""
        connection = self._database.connection
        connection.executemany("DELETE FROM tasks WHERE uid = ?", [(uid,) for uid in uids])
        connection.execute("DELETE FROM batches WHERE uid NOT IN (SELECT batch FROM tasks WHERE batch IS NOT NULL)")

    def rename_index(self, before: int, names: dict[str, str]) -> None:
        """Rewrite names of indexes in tasks older than `before`, inside the caller's transaction.

        A swap does this to history: older tasks read as if they had always been those of the other name, and the
        names inside the details of older swaps change too.
        """
        connection = self._database.connection
        cases = " ".join("WHEN ? THEN ?" for _ in names)
        pairs = [word for pair in names.items() for word in pair]
        holders = ", ".join("?" for _ in names)
        connection.execute(
            f'UPDATE tasks SET "index" = CASE "index" {cases} END WHERE uid < ? AND "index" IN ({holders})',
            (*pairs, before, *names),
        )
        rows = connection.execute(
            "SELECT uid, kind, details, mentions, content FROM tasks WHERE uid < ? AND mentions IS NOT NULL", (before,)
        ).fetchall()
        for row in rows:
            _rename_mentions(connection, row, names)


def _rename_mentions(connection: sqlite3.Connection, row: sqlite3.Row, names: dict[str, str]) -> None:
    mentions = [names.get(name, name) for name in json.loads(row["mentions"])]
    details, content = row["details"], row["content"]
    if row["kind"] == "indexSwap":
        swaps = json.loads(content)["swaps"]
        for swap in swaps:
            swap["indexes"] = [names.get(name, name) for name in swap["indexes"]]
        details, content = json.dumps({"swaps": swaps}), json.dumps({"swaps": swaps})
    connection.execute(
        "UPDATE tasks SET details = ?, mentions = ?, content = ? WHERE uid = ?",
        (details, json.dumps(mentions), content, row["uid"]),
    )


def _encoded(value: dict[str, Any] | None) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
