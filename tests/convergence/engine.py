"""An engine in memory whose requests can be lost: applied at once, because Meilisearch runs an index in order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from scrypath_celery.errors import EngineUnreachable
from scrypath_celery.work import EngineTask


@dataclass
class MemoryEngine:
    """What the real adapter offers, over dictionaries. `lost` is the chance that a request ends without an answer."""

    chance: random.Random
    lost: float = 0.0
    failing: float = 0.0
    now: int = 0
    indexes: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[EngineTask] = field(default_factory=list)
    flying: list[tuple[int, Any]] = field(default_factory=list)

    def tick(self) -> None:
        self.now += 1
        for entry in [entry for entry in self.flying if entry[0] <= self.now]:
            self.flying.remove(entry)
            entry[1]()

    def index(self, index: str) -> dict[str, Any] | None:
        return {"primaryKey": "id"} if index in self.indexes else None

    def create(self, index: str, key: str) -> int:
        self.indexes.setdefault(index, {})
        return self._land(index, "indexCreation", None, lambda: None)

    def apply(self, index: str, settings: dict[str, Any]) -> int:
        return self._land(index, "settingsUpdate", None, lambda: None)

    def barrier(self, index: str, key: str) -> int:
        return self._land(index, "indexUpdate", None, lambda: None)

    def add(self, index: str, payload: bytes, *, key: str, token: str) -> int:
        documents = {str(document[key]): document for document in orjson.loads(payload)}
        return self._request(index, "documentAdditionOrUpdate", token, lambda: self.indexes[index].update(documents))

    def delete(self, index: str, ids: Sequence[str], *, token: str) -> int:
        def remove() -> None:
            for id in ids:
                self.indexes[index].pop(id, None)

        return self._request(index, "documentDeletion", token, remove)

    def tasks(self, uids: Iterable[int]) -> dict[int, EngineTask]:
        return {uid: self.log[uid] for uid in uids if uid < len(self.log)}

    def tasks_after(self, uid: int, *, limit: int = 1_000) -> list[EngineTask]:
        return self.log[uid + 1 : uid + 1 + limit]

    def batch_size(self, batch_uid: int) -> int:
        return 2

    def _request(self, index: str, kind: str, token: str, change: Any) -> int:
        if self.chance.random() < self.lost:
            fate = self.chance.random()
            if fate < 0.4:
                self._land(index, kind, token, change)
            elif fate < 0.8:
                late = self.now + self.chance.choice([3, 30, 150])
                self.flying.append((late, lambda: self._land(index, kind, token, change)))
            raise EngineUnreachable("no answer came", sent=True)
        if self.chance.random() < self.failing:
            return self._land(index, kind, token, change, failed=True)
        return self._land(index, kind, token, change)

    def _land(self, index: str, kind: str, token: str | None, change: Any, *, failed: bool = False) -> int:
        uid = len(self.log)
        if not failed:
            change()
        error = {"code": "internal", "type": "internal"} if failed else None
        status = "failed" if failed else "succeeded"
        self.log.append(
            EngineTask(uid=uid, status=status, type=kind, index_uid=index, batch_uid=uid, metadata=token, error=error)
        )
        return uid
