"""Which waiting tasks of one index run together: the engine's merging rules, as a pure function.

The rules and their order are the scheduler's of Meilisearch 1.50: what a task may join depends on what the batch
already is, on whether the index exists (or will, by then), and on primary keys that are named.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SIZE_LIMIT = 128 * 1024 * 1024
"""Bytes of payload after which a batch takes no further task."""

_ALONE = frozenset({"indexCreation", "indexUpdate", "indexSwap"})


@dataclass(frozen=True, slots=True)
class Waiting:
    """What the rules look at in one task.

    `kind` is `add`, `delete`, `deleteByFilter`, `clear`, `settings` or one of the engine's own types; `creates` is
    whether it may create its index (None where that has no meaning); `primary_key` the key named with the request.
    """

    uid: int
    kind: str
    creates: bool | None = None
    primary_key: str | None = None
    size: int = 0


@dataclass(slots=True)
class Plan:
    """A batch in the making: `kind` says how it is run, `tasks` which, `strategy` why it stopped growing."""

    kind: str
    creates: bool | None
    tasks: list[Waiting]
    strategy: str = "batched all enqueued tasks for the index"
    must_create: bool = False
    size: int = 0
    keyed: bool = False
    primary_key: str | None = None


def plan(waiting: Iterable[Waiting], *, index_exists: bool, index_key: str | None) -> Plan:
    """The batch that the first of `waiting` begins; at least that one is taken, and no more is read than needed."""
    following = iter(waiting)
    first = next(following)
    batch = Plan(kind=_begins(first.kind), creates=first.creates, tasks=[first], size=first.size)
    batch.keyed, batch.primary_key = first.kind == "add", first.primary_key
    if first.kind in _ALONE:
        batch.strategy = f"task with id {first.uid} of type `{first.kind}` cannot be batched"
        return batch
    if first.kind == "indexDeletion":
        batch.strategy = f"stopped after task with id {first.uid} because it deletes the index"
        return batch
    batch.must_create = not index_exists and first.creates is True
    if first.kind == "add" and first.primary_key is not None and index_key not in (None, first.primary_key):
        batch.strategy = f"primary key `{first.primary_key}` of task with id {first.uid} is not the index's"
        return batch
    exists = index_exists or batch.must_create
    for task in following:
        if batch.size + task.size > SIZE_LIMIT:
            batch.strategy = f"reached the size limit of {SIZE_LIMIT} bytes"
            break
        kind = _joined(batch, task, exists, index_key)
        if kind is None:
            batch.strategy = f"stopped before task with id {task.uid} because it cannot join the batch"
            break
        _take(batch, task, kind)
        if kind == "indexDeletion":
            batch.strategy = f"stopped after task with id {task.uid} because it deletes the index"
            break
    return batch


def _begins(kind: str) -> str:
    return {"add": "documents", "delete": "deletions", "deleteByFilter": "deletions"}.get(kind, kind)


def _take(batch: Plan, task: Waiting, kind: str) -> None:
    batch.kind = kind
    batch.tasks.append(task)
    batch.size += task.size
    if task.kind == "add" and not batch.keyed:
        batch.keyed, batch.primary_key = True, task.primary_key
        batch.creates = task.creates


def _joined(batch: Plan, task: Waiting, exists: bool, index_key: str | None) -> str | None:
    """What the batch becomes by taking `task`, or None where it has to stop before it."""
    if task.kind in _ALONE:
        return None
    if not exists and batch.creates is False and task.creates is True:
        return None
    if not _keys_agree(batch, task, index_key):
        return None
    if task.kind == "indexDeletion":
        return "indexDeletion"
    match batch.kind, task.kind:
        case ("documents", "add" | "delete"):
            return "documents"
        case ("deletions", "add"):
            return "documents" if exists else None
        case ("deletions", "delete" | "deleteByFilter"):
            return "deletions"
        case ("documents" | "deletions" | "clear", "clear") | ("clear", "delete" | "deleteByFilter"):
            return "clear"
        case ("settings", "settings"):
            return "settings"
        case ("settings" | "clearAndSettings", "clear") | ("clearAndSettings", "settings"):
            return "clearAndSettings"
    return None


def _keys_agree(batch: Plan, task: Waiting, index_key: str | None) -> bool:
    if task.kind != "add":
        return True
    if index_key is not None:
        return task.primary_key in (None, index_key)
    return not batch.keyed or task.primary_key == batch.primary_key
