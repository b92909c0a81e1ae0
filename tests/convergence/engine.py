"""An engine in memory whose requests can be lost: applied at once, because Meilisearch runs an index in order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from scrypath_celery.errors import EngineUnreachable
from scrypath_celery.work import EngineTask

LANDED, LATE = 0.35, 0.9
"""Of the requests without an answer: the part that landed all the same, and up to which part they land later."""


@dataclass
class MemoryEngine:
    """What the real adapter offers, over dictionaries.

    `lost` is the chance that a request ends without an answer: it then landed, or lands `late` ticks later, or never.
    `failing` is the chance that a task fails though nothing is wrong with it.
    """

    chance: random.Random
    lost: float = 0.0
    failing: float = 0.0
    late: Sequence[int] = (5, 30, 80)
    now: int = 0
    indexes: dict[str, dict[str, Any]] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[EngineTask] = field(default_factory=list)
    flying: list[tuple[int, Callable[[], int]]] = field(default_factory=list)

    def tick(self) -> None:
        """Let a second pass: what flies may land."""
        self.now += 1
        for entry in [entry for entry in self.flying if entry[0] <= self.now]:
            self.flying.remove(entry)
            entry[1]()

    def require_version(self) -> None:
        """It is new enough."""

    def index(self, index: str) -> dict[str, Any] | None:
        return {"primaryKey": "id"} if index in self.indexes else None

    def create(self, index: str, key: str) -> int:
        return self._request(index, "indexCreation", None, lambda: self.indexes.setdefault(index, {}))

    def apply(self, index: str, settings: dict[str, Any]) -> int:
        return self._request(index, "settingsUpdate", None, lambda: self.settings.update({index: settings}))

    def barrier(self, index: str, key: str) -> int:
        return self._land(index, "indexUpdate", None, lambda: None)

    def add(self, index: str, payload: bytes, *, key: str, token: str) -> int:
        documents = {str(document[key]): document for document in orjson.loads(payload)}
        store = self.indexes.setdefault
        return self._request(index, "documentAdditionOrUpdate", token, lambda: store(index, {}).update(documents))

    def delete(self, index: str, ids: Sequence[str], *, token: str) -> int:
        def remove() -> None:
            for id in ids:
                self.indexes.get(index, {}).pop(id, None)

        return self._request(index, "documentDeletion", token, remove)

    def tasks(self, uids: Iterable[int]) -> dict[int, EngineTask]:
        return {uid: self.log[uid] for uid in uids if uid < len(self.log)}

    def newest_batches(self) -> list[tuple[int, float]]:
        return []

    def newest_task(self, *, index: str | None = None, statuses: Sequence[str] = ()) -> EngineTask | None:
        return self.log[-1] if self.log else None

    def tasks_after(self, uid: int, *, limit: int = 1_000) -> list[EngineTask]:
        return self.log[uid + 1 : uid + 1 + limit]

    def batch_size(self, batch_uid: int) -> int:
        return self.chance.choice([1, 2]) if self.failing else 1

    def _request(self, index: str, kind: str, token: str | None, change: Callable[[], Any]) -> int:
        failed = self.chance.random() < self.failing
        if self.chance.random() < self.lost:
            fate = self.chance.random()
            if fate < LANDED:
                self._land(index, kind, token, change, failed=failed)
            elif fate < LATE:
                landing = self.now + self.chance.choice(self.late)
                self.flying.append((landing, lambda: self._land(index, kind, token, change, failed=failed)))
            raise EngineUnreachable("no answer came", sent=True, broken=self.chance.random() < 0.5)
        return self._land(index, kind, token, change, failed=failed)

    def _land(
        self, index: str, kind: str, token: str | None, change: Callable[[], Any], *, failed: bool = False
    ) -> int:
        uid = len(self.log)
        if not failed:
            change()
        error = {"code": "internal", "type": "internal"} if failed else None
        status = "failed" if failed else "succeeded"
        self.log.append(
            EngineTask(uid=uid, status=status, type=kind, index_uid=index, batch_uid=uid, metadata=token, error=error)
        )
        return uid
