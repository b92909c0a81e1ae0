"""The documents of one index, kept as compact JSON, and which of them changed since the derived forms were built."""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Change:
    """What happened in one slot since the last look: the document that was there, and the one that is."""

    slot: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Store:
    """Documents in numbered slots. A slot is kept when its document is replaced and given away when it is deleted.

    The order of slots is the engine's internal order: what decides between documents that rank alike. `names` are the
    fields that a document ever had.
    """

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}
        self._ids: list[str | None] = []
        self._bodies: list[bytes | None] = []
        self._free: list[int] = []
        self._before: dict[int, bytes | None] = {}
        self._live: frozenset[int] | None = None
        self.names: set[str] = set()

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def size(self) -> int:
        """How many slots there are, empty ones included."""
        return len(self._ids)

    def put(self, documents: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Keep documents by id; one that is there is replaced."""
        for id, document in documents:
            slot = self._slots.get(id)
            if slot is None:
                slot = self._slots[id] = self._new(id)
            self._before.setdefault(slot, self._bodies[slot])
            self._bodies[slot] = _packed(document)
            self.names.update(document)

    def _new(self, id: str) -> int:
        self._live = None
        if self._free:
            slot = heapq.heappop(self._free)
            self._ids[slot] = id
            return slot
        self._ids.append(id)
        self._bodies.append(None)
        return len(self._ids) - 1

    def delete(self, ids: Iterable[str]) -> None:
        """Forget documents; unknown ids are skipped."""
        for id in ids:
            slot = self._slots.pop(id, None)
            if slot is None:
                continue
            self._live = None
            self._before.setdefault(slot, self._bodies[slot])
            self._ids[slot] = self._bodies[slot] = None
            heapq.heappush(self._free, slot)

    def changes(self) -> list[Change]:
        """What changed since this was asked last."""
        before, self._before = self._before, {}
        return [Change(slot, _unpacked(body), _unpacked(self._bodies[slot])) for slot, body in before.items()]

    def each(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Every document with its slot, in the order of slots."""
        for slot, body in enumerate(self._bodies):
            if body is not None:
                yield slot, orjson.loads(body)

    def forget_changes(self) -> None:
        """Hold the present state for known."""
        self._before.clear()

    def changed(self) -> bool:
        """Whether there are changes that nobody asked for yet."""
        return bool(self._before)

    def live(self) -> frozenset[int]:
        """The slots that hold a document."""
        if self._live is None:
            self._live = frozenset(self._slots.values())
        return self._live

    def slot(self, id: str) -> int | None:
        """The slot of a document."""
        return self._slots.get(id)

    def id(self, slot: int) -> str:
        """The id of the document in a slot that holds one."""
        id = self._ids[slot]
        assert id is not None
        return id

    def document(self, slot: int) -> dict[str, Any]:
        """The document in a slot that holds one."""
        body = self._bodies[slot]
        assert body is not None
        document: dict[str, Any] = orjson.loads(body)
        return document


def _packed(document: dict[str, Any]) -> bytes:
    try:
        # A copy: the original sits in a buffer of a kilobyte that would not shrink.
        return bytes(memoryview(orjson.dumps(document)))
    except TypeError:  # an integer beyond 64 bits: the engine, too, keeps it as a float
        return orjson.dumps(json.loads(json.dumps(document), parse_int=_small))


def _small(digits: str) -> int | float:
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else float(digits)


def _unpacked(body: bytes | None) -> dict[str, Any] | None:
    return None if body is None else orjson.loads(body)
