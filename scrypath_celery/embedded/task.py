"""One task: what it was asked to do, how it is stored, and how the engine shows it."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from . import clock
from .refusal import Refusal

KINDS = (
    "documentAdditionOrUpdate",
    "documentEdition",
    "documentDeletion",
    "settingsUpdate",
    "indexCreation",
    "indexDeletion",
    "indexUpdate",
    "indexSwap",
    "taskCancelation",
    "taskDeletion",
    "dumpCreation",
    "snapshotCreation",
    "export",
    "upgradeDatabase",
    "indexCompaction",
    "networkTopologyChange",
    "dsrUpdate",
    "dsrClear",
)
"""The types that filters of lists accept; the embedded engine makes the first nine but `documentEdition`."""

STATUSES = ("enqueued", "processing", "succeeded", "failed", "canceled")
FINISHED = frozenset({"succeeded", "failed", "canceled"})
COLUMNS = (
    'uid, batch, "index", status, kind, canceled_by, details, error, enqueued_at, started_at, finished_at, metadata,'
    " content, size"
)
_COUNTERS = ("indexedDocuments", "deletedDocuments", "canceledTasks", "deletedTasks")


@dataclass(slots=True)
class Task:
    """A task as the tables hold it; `content` is what it was asked to do beyond its details and payload.

    `content` by kind: additions `{"replace", "key", "creates", "skip"}`; deletions `{"ids"}`, `{"filter"}` or
    `{"all": True}`; settings `{"settings", "creates", "reset"}`; index creation and update `{"key", "uid"}`; swaps
    `{"swaps"}`; cancelations and deletions of tasks `{"uids"}`.
    """

    uid: int
    kind: str
    index: str | None
    details: dict[str, Any] | None
    content: dict[str, Any]
    enqueued_at: str
    batch: int | None = None
    status: str = "enqueued"
    canceled_by: int | None = None
    error: dict[str, str] | None = None
    started_at: str | None = None
    finished_at: str | None = None
    metadata: str | None = None
    size: int = 0

    def succeed(self, **details: Any) -> None:
        """The task ended well; `details` complete what is known of it."""
        self.status = "succeeded"
        if self.details is not None:
            self.details.update(details)

    def fail(self, refusal: Refusal) -> None:
        """The task ended with an error; its open counters become 0."""
        self.status, self.error = "failed", refusal.body()
        self._close_counters()

    def cancel(self, by: int | None) -> None:
        """The task was called off by the cancelation `by` before it had ended."""
        self.status, self.canceled_by = "canceled", by
        self._close_counters()

    def _close_counters(self) -> None:
        for counter in _COUNTERS:
            if self.details is not None and counter in self.details:
                self.details[counter] = 0

    def summary(self) -> dict[str, Any]:
        """The short form that the request which made it is answered with."""
        out: dict[str, Any] = {
            "taskUid": self.uid,
            "indexUid": self.index,
            "status": "enqueued",
            "type": self.kind,
            "enqueuedAt": self.enqueued_at,
        }
        if self.metadata is not None:
            out["customMetadata"] = self.metadata
        return out

    def view(self) -> dict[str, Any]:
        """The full form of `GET /tasks`."""
        finished = self.started_at and self.finished_at
        out: dict[str, Any] = {
            "uid": self.uid,
            "batchUid": self.batch,
            "indexUid": self.index,
            "status": self.status,
            "type": self.kind,
            "canceledBy": self.canceled_by,
            "details": self.details,
            "error": self.error,
            "duration": clock.duration(self.started_at or "", self.finished_at or "") if finished else None,
            "enqueuedAt": self.enqueued_at,
            "startedAt": self.started_at,
            "finishedAt": self.finished_at,
        }
        if self.details is None:
            del out["details"]
        if self.metadata is not None:
            out["customMetadata"] = self.metadata
        return out


def from_row(row: sqlite3.Row) -> Task:
    """The task in a row of `COLUMNS`."""
    return Task(
        uid=row["uid"],
        kind=row["kind"],
        index=row["index"],
        details=_decoded(row["details"]),
        content=json.loads(row["content"]),
        enqueued_at=row["enqueued_at"],
        batch=row["batch"],
        status=row["status"],
        canceled_by=row["canceled_by"],
        error=_decoded(row["error"]),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        metadata=row["metadata"],
        size=row["size"],
    )


def _decoded(text: str | None) -> Any:
    return None if text is None else json.loads(text)
