"""Cumulative figures: how often something happened, and how much of it there was. They only ever grow."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0)
"""The upper bounds (seconds) of the buckets of every histogram; what took longer is in one more."""
BEYOND = "+Inf"
"""The bucket of all that took longer than the last bound."""

_NAMES = (*(f"{bound:g}" for bound in BOUNDS), BEYOND)

Key = tuple[str, ...]
"""What a total is of: a name and labels; that of a histogram ends with the bucket."""


def bucket(seconds: float) -> str:
    """The bucket of a duration, by its upper bound."""
    return _NAMES[bisect_left(BOUNDS, seconds)]


@dataclass(frozen=True)
class Total:
    """How often something happened, and the sum of what it is measured in (seconds, documents)."""

    times: int
    amount: float


@dataclass(kw_only=True)
class _Kept:
    """The totals of one process."""

    pid: int = field(default_factory=os.getpid)
    lock: threading.Lock = field(default_factory=threading.Lock)
    totals: dict[Key, tuple[int, float]] = field(default_factory=dict)


class Totals:
    """Totals by what they are of, from any thread. A process that was forked begins with none."""

    def __init__(self) -> None:
        self._kept = _Kept()

    def add(self, *key: str, times: int = 1, amount: float = 0.0) -> None:
        """Count something that happened `times` times and came to `amount` in all."""
        kept = self._here()
        with kept.lock:
            before = kept.totals.get(key, (0, 0.0))
            kept.totals[key] = (before[0] + times, before[1] + amount)

    def observe(self, *key: str, seconds: float) -> None:
        """Count a duration in its bucket."""
        self.add(*key, bucket(seconds), amount=seconds)

    def observe_all(self, *key: str, durations: Iterable[float]) -> None:
        """Count many durations, each in its bucket."""
        found: dict[str, tuple[int, float]] = {}
        for seconds in durations:
            name = bucket(seconds)
            times, amount = found.get(name, (0, 0.0))
            found[name] = (times + 1, amount + seconds)
        for name, (times, amount) in found.items():
            self.add(*key, name, times=times, amount=amount)

    def read(self) -> Mapping[Key, Total]:
        """All totals so far."""
        kept = self._here()
        with kept.lock:
            return {key: Total(*found) for key, found in kept.totals.items()}

    def _here(self) -> _Kept:
        # A lock that another thread held at the fork would never be released in the child, so it gets its own.
        if self._kept.pid != os.getpid():
            self._kept = _Kept()
        return self._kept
