"""The engine without its HTTP side: the parts, put together in one place."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import orjson

from .access import Gate
from .batches import Batches
from .catalogue import Catalogue
from .database import Database
from .documents import Documents
from .faults import Faults
from .identity import identity
from .keys import Keys
from .operations import Parts
from .queue import Queue
from .scheduler import Cost, Scheduler
from .searchables import Searchables
from .task import Task
from .webhooks import Webhooks


class Core:
    """One engine: its database, its queue, its scheduler, its faults. EmbeddedError where the file cannot be used."""

    def __init__(self, file: str | Path | None, master_key: str | None, cost: Cost, payload_limit: int) -> None:
        self.payload_limit = payload_limit
        self.database = Database(file)
        self.queue = Queue(self.database)
        self.catalogue = Catalogue(self.database)
        self.documents = Documents(self.database)
        self.searchables = Searchables(self.database, self.catalogue, self.documents)
        self.batches = Batches(self.database)
        self.faults = Faults()
        self.keys = Keys(self.database, master_key)
        self.webhooks = Webhooks(self.database)
        self.gate = Gate(master_key, self.keys)
        parts = Parts(self.database, self.queue, self.catalogue, self.documents, self.searchables)
        self.scheduler = Scheduler(parts, self.batches, self.faults, cost, self._ids_of)
        self.faults.watch(self.scheduler.nudge)
        self.keys.make_defaults()

    def start(self) -> None:
        """Begin to run tasks."""
        self.scheduler.start()

    def stop(self) -> None:
        """End; what runs is given up and runs again at the next start."""
        self.faults.clear()
        self.scheduler.stop()
        self.database.close()

    def snapshot(self) -> sqlite3.Connection:
        """A copy of the whole state, for `restore`."""
        return self.database.copy()

    def restore(self, snapshot: sqlite3.Connection) -> None:
        """Go back to a snapshot, as an engine does that is started from an older copy of its files."""
        with self.scheduler.paused():
            self.database.replace(snapshot)
            self.searchables.forget()
            with self.database.transaction():
                self.queue.requeue()
            self.keys.make_defaults()

    def reset(self) -> None:
        """Forget all indexes, tasks, keys and faults; a frozen scheduler goes on."""
        self.faults.clear()
        with contextlib.closing(Database()) as blank:
            self.restore(blank.connection)
        self.scheduler.thaw()

    def _ids_of(self, task: Task) -> list[str]:
        """The ids of the documents that a task carries."""
        if "ids" in task.content:
            return list(task.content["ids"])
        if task.kind != "documentAdditionOrUpdate":
            return []
        index = self.catalogue.find(task.index or "")
        key = task.content["key"] or (index.primary_key if index else None)
        return ids_in(self.queue.payload(task.uid), key)


def ids_in(payload: bytes, key: str | None) -> list[str]:
    """The ids in a JSON or NDJSON payload: bare ones, or those of documents.

    Documents are looked at by their key, or where none is known by every field whose name ends with `id`.
    """
    ids = []
    for one in _values(payload):
        if isinstance(one, dict):
            names = [key] if key else [name for name in one if name.lower().endswith("id")]
            ids += [identity(one.get(name)) for name in names]
        else:
            ids.append(identity(one))
    return [one for one in ids if one is not None]


def _values(payload: bytes) -> list[Any]:
    try:
        found = orjson.loads(payload)
        return found if isinstance(found, list) else [found]
    except orjson.JSONDecodeError:
        pass
    try:
        return [orjson.loads(line) for line in payload.splitlines() if line.strip()]
    except orjson.JSONDecodeError:
        return []
