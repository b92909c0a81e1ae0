"""The engine in memory of the convergence tests, with what a rebuild asks of it: swaps, renames, dates, counts."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from scrypath_celery.work import EngineTask
from tests.convergence.engine import MemoryEngine


class Refused(Exception):
    """A task that the engine fails, with its code."""


@dataclass
class RebuildEngine(MemoryEngine):
    """`created` is each index's `createdAt`, which travels with its content; `interlude` runs before each request."""

    created: dict[str, str] = field(default_factory=dict)
    interlude: Callable[[], None] = field(default=lambda: None)
    swapped_back: bool = False
    """Whether a content that was replaced came to stand under a live name again."""

    def __post_init__(self) -> None:
        self._dates = itertools.count(1)
        self._replaced: set[str] = set()

    def index(self, index: str) -> dict[str, Any] | None:
        self.interlude()
        if index not in self.indexes:
            return None
        return {"primaryKey": "id", "createdAt": self._date(index)}

    def create(self, index: str, key: str) -> int:
        def make() -> None:
            if index in self.indexes:
                raise Refused("index_already_exists")
            self.indexes[index] = {}

        return self._request(index, "indexCreation", None, make)

    def swap(self, one: str, other: str) -> int:
        def change() -> None:
            if one not in self.indexes or other not in self.indexes:
                raise Refused("index_not_found")
            self.swapped_back = self.swapped_back or self._date(other) in self._replaced
            self._replaced.add(self._date(one))
            for held in self._held():
                first, second = held.pop(one, None), held.pop(other, None)
                held.update({name: what for name, what in ((one, second), (other, first)) if what is not None})

        return self._request("", "indexSwap", None, change)

    def rename(self, index: str, new: str) -> int:
        def change() -> None:
            if index not in self.indexes:
                raise Refused("index_not_found")
            self._date(index)
            for held in self._held():
                if index in held:
                    held[new] = held.pop(index)

        return self._request(index, "indexUpdate", None, change)

    def drop(self, index: str) -> int:
        def change() -> None:
            if index not in self.indexes:
                raise Refused("index_not_found")
            for held in self._held():
                held.pop(index, None)

        return self._request(index, "indexDeletion", None, change)

    def empty(self, index: str) -> None:
        """A foreign hand deletes all documents of an index."""
        self._land(index, "documentDeletion", None, lambda: self.indexes[index].clear())

    def live_settings(self, index: str) -> dict[str, Any]:
        return dict(self.settings.get(index, {}))

    def stats(self, index: str) -> dict[str, Any] | None:
        self.interlude()
        return {"numberOfDocuments": len(self.indexes[index])} if index in self.indexes else None

    def tasks_of(self, index: str, *, types: Sequence[str], page: int = 1_000) -> Iterator[EngineTask]:
        self.interlude()
        yield from [task for task in reversed(self.log) if task.index_uid == index and task.type in types]

    def newest_task(self, *, index: str | None = None, statuses: Sequence[str] = ()) -> EngineTask | None:
        self.interlude()
        return self.log[-1] if self.log else None

    def count_tasks(self, *, index: str | None = None, statuses: Sequence[str] = ()) -> int:
        return 0

    def _held(self) -> tuple[dict[str, Any], ...]:
        """All that travels with the name of an index."""
        return self.indexes, self.created, self.settings

    def _date(self, index: str) -> str:
        return self.created.setdefault(index, str(next(self._dates)))

    def _request(self, index: str, kind: str, token: str | None, change: Callable[[], Any]) -> int:
        self.interlude()
        return super()._request(index, kind, token, change)

    def _land(
        self, index: str, kind: str, token: str | None, change: Callable[[], Any], *, failed: bool = False
    ) -> int:
        if failed:
            return super()._land(index, kind, token, change, failed=True)
        try:
            change()
        except Refused as refused:
            uid = super()._land(index, kind, token, change, failed=True)
            task = self.log[uid]
            self.log[uid] = EngineTask(
                uid=uid,
                status="failed",
                type=kind,
                index_uid=index,
                batch_uid=uid,
                error={"code": str(refused), "type": "invalid_request"},
            )
            assert task.status == "failed"
            return uid
        return super()._land(index, kind, token, lambda: None)
