"""Faults on demand: what the real engine does to its clients on a bad day, when and as often as asked."""

from __future__ import annotations

import fnmatch
import random
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

REQUEST_KINDS = frozenset({"refuse", "err", "slow", "hang", "cut_before", "cut_after", "register_later", "truncate"})
"""Faults of requests."""
TASK_KINDS = frozenset({"fail_task", "hang_task", "cancel_task", "vanish_task"})
"""Faults of tasks."""
_OPTIONS: dict[str, dict[str, Any]] = {
    "refuse": {"status": 503, "retry_after": 10},
    "err": {"status": 500},
    "slow": {"seconds": 1.0},
    "hang": {},
    "cut_before": {},
    "cut_after": {},
    "register_later": {"seconds": 1.0},
    "truncate": {"keep": 0.5},
    "fail_task": {"code": "internal", "message": "", "whole_batch": False},
    "hang_task": {},
    "cancel_task": {},
    "vanish_task": {},
}


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What a fault looks at: a request or a task. `ids` names the documents it carries, asked only when needed."""

    ids: Callable[[], Iterable[str]]
    index: str | None = None
    method: str | None = None
    path: str | None = None


@dataclass(eq=False)
class Fault:
    """One fault in force. `hits` counts how often it struck; `remove()` ends it and what hangs by it.

    `method`, `path` (a pattern with `*`), `index` and `document` limit what it strikes, `count` how often, and
    `probability` (of `seed`) how likely; `options` are those of its kind.
    """

    number: int
    kind: str
    options: dict[str, Any]
    method: str | None = None
    path: str | None = None
    index: str | None = None
    document: str | None = None
    count: int | None = None
    probability: float = 1.0
    seed: int = 0
    hits: int = 0
    removed: bool = False
    _faults: Faults | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def remove(self) -> None:
        """End the fault; requests and tasks that hang by it go on."""
        if self._faults is not None:
            self._faults.remove(self.number)

    def strikes(self, kinds: frozenset[str], at: Circumstance) -> bool:
        """Whether it strikes here; counts the hit."""
        if self.kind not in kinds or (self.count is not None and self.hits >= self.count):
            return False
        if self.method is not None and at.method != self.method.upper():
            return False
        if self.path is not None and not fnmatch.fnmatchcase(at.path or "", self.path):
            return False
        if self.index is not None and at.index != self.index:
            return False
        if self.document is not None and self.document not in set(at.ids()):
            return False
        if self.probability < 1.0 and self._random.random() >= self.probability:
            return False
        self.hits += 1
        return True

    def view(self) -> dict[str, Any]:
        """The fault as the local route shows it."""
        limits = ("method", "path", "index", "document", "count", "probability", "seed", "hits")
        return {"number": self.number, "kind": self.kind} | {n: getattr(self, n) for n in limits} | self.options


def _check(kind: str, name: str, value: Any, default: Any) -> None:
    """Refuse an option of another type than its default; whole numbers are numbers too."""
    wanted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
        raise ValueError(f"option {name!r} of fault {kind!r} is a {type(default).__name__}, not {value!r}")


class Faults:
    """The faults of one engine. Safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watchers: list[Callable[[], None]] = []
        self._all: dict[int, Fault] = {}
        self._next = 1

    def add(
        self,
        kind: str,
        *,
        method: str | None = None,
        path: str | None = None,
        index: str | None = None,
        document: str | None = None,
        count: int | None = None,
        probability: float = 1.0,
        seed: int = 0,
        **options: Any,
    ) -> Fault:
        """Put a fault in force and return its handle.

        Kinds of requests and their options: `refuse` (`status` 503 with `retry_after` seconds, or 422 for a full task
        database), `err` (`status` 500, or 502 for the HTML page of a proxy), `slow` (`seconds`), `hang`,
        `cut_before` and `cut_after` (the connection, before or after the work is done), `register_later` (cut, and do
        the work `seconds` later), `truncate` (`keep` of the answer's bytes, 0 to 1). Kinds of tasks: `fail_task`
        (`code`, `message`, `whole_batch`), `hang_task`, `cancel_task`, `vanish_task`. ValueError for what is unknown.
        """
        if kind not in _OPTIONS:
            raise ValueError(f"unknown fault {kind!r}; one of {', '.join(_OPTIONS)}")
        unknown = options.keys() - _OPTIONS[kind].keys()
        if unknown:
            known = ", ".join(_OPTIONS[kind]) or "none"
            raise ValueError(f"fault {kind!r} has no option {', '.join(sorted(unknown))}; its options: {known}")
        for name, value in options.items():
            _check(kind, name, value, _OPTIONS[kind][name])
        limits = {
            "method": (method, ""),
            "path": (path, ""),
            "index": (index, ""),
            "count": (count, 0),
            "seed": (seed, 0),
        }
        for name, (value, like) in limits.items():
            if value is not None:
                _check(kind, name, value, like)
        _check(kind, "probability", probability, 1.0)
        with self._lock:
            fault = Fault(
                self._next,
                kind,
                _OPTIONS[kind] | options,
                method=method,
                path=path,
                index=index,
                document=None if document is None else str(document),
                count=count,
                probability=probability,
                seed=seed,
                _faults=self,
            )
            self._all[fault.number] = fault
            self._next += 1
        return fault

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call `watcher` whenever a fault has ended, in the thread that ended it."""
        self._watchers.append(watcher)

    def take(self, kinds: frozenset[str], at: Circumstance) -> Fault | None:
        """The first fault in force of these kinds that strikes here, if any."""
        if not self._all:
            return None
        with self._lock:
            return next((fault for fault in self._all.values() if fault.strikes(kinds, at)), None)

    def list(self) -> list[Fault]:
        """The faults in force."""
        with self._lock:
            return list(self._all.values())

    def remove(self, number: int) -> bool:
        """End the fault of that number; False where there is none."""
        with self._lock:
            fault = self._all.pop(number, None)
            if fault is not None:
                fault.removed = True
        self._tell()
        return fault is not None

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            for fault in self._all.values():
                fault.removed = True
            self._all.clear()
        self._tell()

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()
