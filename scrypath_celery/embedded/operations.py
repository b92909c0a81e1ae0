"""How each kind of batch is run: first all that takes long, then one function that writes it down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from .catalogue import Catalogue, Index
from .changes import Changes
from .database import Database
from .documents import Documents
from .geo import check_geo, is_geo
from .queue import Queue
from .refusal import Refusal
from .searchables import Searchables
from .settings import applied
from .task import FINISHED, Task

OWN_ERRORS = frozenset(
    {
        "invalid_document_id",
        "missing_document_id",
        "index_primary_key_already_exists",
        "index_primary_key_no_candidate_found",
        "index_primary_key_multiple_candidates_found",
    }
)
"""Errors that stay with their own task; any other fails every task of its batch."""

Write = Callable[[], None]
"""What is left to do inside the transaction that also ends the tasks."""


@dataclass(slots=True)
class Batch:
    """Tasks that run together: `kind` as `autobatch` names it; `created` is whether they may create their index."""

    uid: int
    kind: str
    tasks: list[Task]
    started_at: str
    strategy: str
    created: bool = False


@dataclass(frozen=True)
class Parts:
    """What operations work on."""

    database: Database
    queue: Queue
    catalogue: Catalogue
    documents: Documents
    searchables: Searchables


class Operations:
    """Runs batches. `check` is called between steps and raises where the batch is to be given up."""

    def __init__(self, parts: Parts, check: Callable[[], None]) -> None:
        self._parts = parts
        self._check = check
        self._catalogue = parts.catalogue
        self._runs: dict[str, Callable[[Batch], Write]] = {
            "documents": self._documents,
            "deletions": self._documents,
            "clear": self._clear,
            "settings": self._settings,
            "clearAndSettings": self._clear_and_settings,
            "indexCreation": self._create,
            "indexUpdate": self._update,
            "indexDeletion": self._delete_index,
            "indexSwap": self._swap,
            "taskCancelation": self._cancel,
            "taskDeletion": self._forget,
            "indexCompaction": self._compact,
        }

    def prepare(self, batch: Batch) -> Write:
        """Do what takes long and mark the tasks; Refusal where the whole batch fails."""
        return self._runs[batch.kind](batch)

    def _index(self, batch: Batch) -> Index:
        """The index of a batch, made now if it may be; it stays even where the batch then fails."""
        uid = batch.tasks[0].index or ""
        with self._parts.database.transaction():
            index = self._catalogue.find(uid)
            if index is None and batch.created:
                index = self._catalogue.create(uid)
        if index is None:
            raise Refusal("index_not_found", f"Index `{uid}` not found.")
        return index

    def _documents(self, batch: Batch) -> Write:
        index = self._index(batch)
        changes = Changes(index, self._parts.documents, self._parts.database)
        for task in batch.tasks:
            self._check()
            try:
                if task.kind == "documentAdditionOrUpdate":
                    self._add(changes, task)
                else:
                    self._delete(changes, task, mixed=batch.kind == "documents")
            except Refusal as refusal:
                if refusal.code not in OWN_ERRORS:
                    raise
                task.fail(refusal)
        return lambda: changes.write(self._catalogue, self._parts.searchables)

    def _add(self, changes: Changes, task: Task) -> None:
        wish = task.content
        payload = self._parts.queue.payload(task.uid)
        count = changes.add(payload, replace=wish["replace"], key=wish["key"], skip=wish["skip"])
        task.succeed(indexedDocuments=count)

    def _delete(self, changes: Changes, task: Task, *, mixed: bool) -> None:
        if "filter" in task.content:
            wanted = task.content["filter"]
            code = "invalid_document_filter"
            ids = self._parts.searchables.use(changes.index.uid, lambda index: index.select(wanted, code=code))
            task.succeed(deletedDocuments=changes.delete(ids))
            return
        ids = task.content["ids"]
        gone = changes.delete(ids)
        # Beside additions the engine counts the ids that were given, whether or not there were such documents.
        task.succeed(deletedDocuments=len(set(ids)) if mixed else gone)

    def _clear(self, batch: Batch) -> Write:
        index = self._index(batch)
        count = self._parts.documents.count(index)
        for task in batch.tasks:
            if "all" in task.content:
                task.succeed(deletedDocuments=count)
                count = 0
            elif task.kind != "settingsUpdate":
                task.succeed()
        return lambda: self._write_clear(index)

    def _write_clear(self, index: Index) -> None:
        self._parts.documents.clear(index)
        self._parts.searchables.drop(index.number)
        self._catalogue.save(index)

    def _settings(self, batch: Batch) -> Write:
        index = self._index(batch)
        self._apply_settings(batch, index)
        return lambda: self._catalogue.save(index)

    def _apply_settings(self, batch: Batch, index: Index) -> None:
        before = is_geo(index.settings)
        for task in batch.tasks:
            if task.kind == "settingsUpdate":
                try:
                    index.settings = applied(index.settings, task.content["settings"])
                except Refusal as refusal:
                    raise Refusal(refusal.code, f"Index `{index.uid}`: {refusal.message}") from refusal
                task.succeed()
        if is_geo(index.settings) and not before and batch.kind == "settings":
            for identity, body in self._parts.documents.each(index):
                if b'"_geo"' in body:
                    check_geo(identity, orjson.loads(body).get("_geo"), f"Index `{index.uid}`: ")

    def _clear_and_settings(self, batch: Batch) -> Write:
        write_clear = self._clear(batch)
        index = self._index(batch)
        self._apply_settings(batch, index)

        def write() -> None:
            write_clear()
            self._catalogue.save(index)

        return write

    def _create(self, batch: Batch) -> Write:
        (task,) = batch.tasks

        def write() -> None:
            self._catalogue.create(task.index or "", task.content["key"])
            task.succeed()

        return write

    def _update(self, batch: Batch) -> Write:
        (task,) = batch.tasks
        key, name = task.content["key"], task.content["uid"]
        with self._parts.database.transaction():
            # The new name stays even where the key is then refused.
            index = self._catalogue.get(task.index or "")
            if name is not None and name != index.uid:
                self._catalogue.rename(index, name)
        if key is not None and key != index.primary_key:
            if self._parts.documents.count(index):
                text = f"Index `{index.uid}`: Index already has a primary key: `{index.primary_key}`."
                raise Refusal("index_primary_key_already_exists", text)
            index.primary_key = key
        task.succeed()
        return lambda: self._catalogue.save(index)

    def _delete_index(self, batch: Batch) -> Write:
        uid = batch.tasks[0].index or ""
        index = self._catalogue.find(uid)
        if index is None and not batch.created:
            raise Refusal("index_not_found", f"Index `{uid}` not found.")
        count = 0 if index is None else self._parts.documents.count(index)
        for task in batch.tasks:
            match task.kind:
                case "documentAdditionOrUpdate":
                    task.succeed(indexedDocuments=0)
                case "indexDeletion":
                    task.succeed(deletedDocuments=count)
                case _:
                    task.succeed()

        def write() -> None:
            if index is not None:
                self._parts.searchables.drop(index.number)
                self._catalogue.delete(index)

        return write

    def _swap(self, batch: Batch) -> Write:
        (task,) = batch.tasks

        def write() -> None:
            self._check_swaps(task)
            for swap in task.content["swaps"]:
                left, right = swap["indexes"]
                if swap["rename"]:
                    self._catalogue.rename(self._catalogue.get(left), right)
                    self._parts.queue.rename_index(task.uid, {left: right})
                else:
                    self._catalogue.swap(self._catalogue.get(left), self._catalogue.get(right))
                    self._parts.queue.rename_index(task.uid, {left: right, right: left})
            task.succeed()

        return write

    def _check_swaps(self, task: Task) -> None:
        swaps = task.content["swaps"]
        missing = [
            name
            for swap in swaps
            for name in swap["indexes"][: 1 if swap["rename"] else 2]
            if self._catalogue.find(name) is None
        ]
        if missing:
            plural = "es" if len(missing) > 1 else ""
            listed = ", ".join(f"`{name}`" for name in missing)
            raise Refusal("index_not_found", f"Index{plural} {listed} not found.")
        for swap in swaps:
            name = swap["indexes"][1]
            if swap["rename"] and self._catalogue.find(name) is not None:
                raise Refusal("index_already_exists", f"Index `{name}` already exists.")

    def _compact(self, batch: Batch) -> Write:
        """There is nothing to compact; the sizes are those of the documents."""
        (task,) = batch.tasks
        stats = self._parts.documents.stats(self._catalogue.get(task.index or ""))
        size = f"{stats['rawDocumentDbSize'] / 1024:.2f} KiB"
        task.succeed(preCompactionSize=size, postCompactionSize=size)
        return _nothing

    def _cancel(self, batch: Batch) -> Write:
        (task,) = batch.tasks

        def write() -> None:
            older = [one for one in self._parts.queue.of_uids(task.content["uids"]) if one.uid < task.uid]
            waiting = [one for one in older if one.status == "enqueued"]
            for one in waiting:
                one.cancel(task.uid)
            batch.tasks.extend(waiting)
            task.succeed(canceledTasks=len(waiting))

        return write

    def _forget(self, batch: Batch) -> Write:
        def write() -> None:
            for task in batch.tasks:
                found = self._parts.queue.of_uids(task.content["uids"])
                over = [one.uid for one in found if one.uid < task.uid and one.status in FINISHED]
                self._parts.queue.forget(over)
                task.succeed(deletedTasks=len(over))

        return write


def _nothing() -> None:
    return None
