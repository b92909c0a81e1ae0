"""The history of batches: what each held, how it went, and how the engine shows it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any

from . import clock
from .database import Database
from .operations import Batch
from .selection import Selection
from .task import Task


class Batches:
    """All batches of one engine, in its database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def start(self, batch: Batch) -> None:
        """Write down a batch that begins, inside the caller's transaction."""
        self._database.connection.execute(
            "INSERT INTO batches VALUES (?, ?, ?, ?, NULL, ?)",
            (batch.uid, *_summed(batch.tasks, "processing"), batch.started_at, batch.strategy),
        )

    def end(self, batch: Batch, finished_at: str) -> None:
        """Write down how a batch ended, inside the caller's transaction."""
        self._database.connection.execute(
            "UPDATE batches SET details = ?, stats = ?, finished_at = ? WHERE uid = ?",
            (*_summed(batch.tasks), finished_at, batch.uid),
        )

    def get(self, uid: int) -> dict[str, Any] | None:
        """The view of one batch, or None."""
        row = self._database.one("SELECT * FROM batches WHERE uid = ?", (uid,))
        return None if row is None else _view(row)

    def page(self, selection: Selection) -> tuple[list[dict[str, Any]], int]:
        """One page of the batches that hold tasks of the selection, and one more if there is one; and their number."""
        where, values = selection.where()
        if where != "1":
            where = f"uid IN (SELECT batch FROM tasks WHERE {where})"
        total = self._database.one(f"SELECT COUNT(*) FROM batches WHERE {where}", values)
        page_where, page_values = selection.from_where("uid")
        rows = self._database.all(
            f"SELECT * FROM batches WHERE {where} AND {page_where} ORDER BY uid {selection.order} LIMIT ?",
            (*values, *page_values, selection.limit + 1),
        )
        return [_view(row) for row in rows], total[0] if total else 0


def _summed(tasks: Iterable[Task], status: str | None = None) -> tuple[str, str]:
    """Details and statistics of a batch as JSON."""
    tasks = list(tasks)
    details: dict[str, Any] = {}
    for task in tasks:
        for name, value in (task.details or {}).items():
            if name == "originalFilter" or (name == "primaryKey" and value is None):
                continue
            if isinstance(value, int) and isinstance(details.get(name), int) and not isinstance(value, bool):
                details[name] += value
            elif value is not None or name not in details:
                details[name] = value
    stats = {
        "totalNbTasks": len(tasks),
        "status": Counter(status or task.status for task in tasks),
        "types": Counter(task.kind for task in tasks),
        "indexUids": Counter(task.index for task in tasks if task.index is not None),
    }
    return json.dumps(details), json.dumps(stats)


def _view(row: sqlite3.Row) -> dict[str, Any]:
    finished = row["finished_at"]
    stats = json.loads(row["stats"])
    progress = None
    if finished is None:
        step = {"currentStep": "processing tasks", "finished": 0, "total": stats["totalNbTasks"]}
        progress = {"steps": [step], "percentage": 0.0}
    return {
        "uid": row["uid"],
        "progress": progress,
        "details": json.loads(row["details"]),
        "stats": stats,
        "duration": None if finished is None else clock.duration(row["started_at"], finished),
        "startedAt": row["started_at"],
        "finishedAt": finished,
        "batchStrategy": row["strategy"],
    }
