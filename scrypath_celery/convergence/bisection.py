"""Which part of a failing payload to try next: a pure search, without engine or ledger."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

SAMPLES = 8
"""Documents that fail alone, with none that passes, before the whole payload counts as hopeless."""
WIDEST = 16
"""Parts that are tried at a time where the engine is quick."""
QUICK = 2.0
"""Seconds up to which a round of trials counts as quick."""

Ids = tuple[str, ...]


class Bisection:
    """The parts of payloads that are still to be tried.

    A part that fails is halved until its bad documents stand alone. Where nothing has passed so far, single documents
    are tried first, so that a payload that is bad altogether is told from one with some bad documents.
    """

    def __init__(self, parts: Iterable[Sequence[str]], *, passed: bool = False) -> None:
        self._parts: deque[Ids] = deque(tuple(part) for part in parts if part)
        self._passed = passed
        self._sampled = False
        self._failed_alone = 0
        self._width = 2

    @property
    def parts(self) -> list[Ids]:
        """What is left to try."""
        return list(self._parts)

    @property
    def hopeless(self) -> bool:
        """Whether every single document that was tried failed, and others are left."""
        return bool(self._parts) and not self._passed and self._failed_alone >= SAMPLES

    def take(self) -> list[Ids]:
        """The parts to try now: few at a time, so that an engine that is slow serves others in between."""
        if not self._passed and not self._sampled and len(self._parts) >= SAMPLES:
            self._sample()
        return [self._parts.popleft() for _ in range(min(self._width, len(self._parts)))]

    def took(self, seconds: float) -> None:
        """Note how long a round lasted: more parts are tried at a time while rounds are quick."""
        self._width = min(WIDEST, self._width * 2) if seconds < QUICK else 2

    def passes(self) -> None:
        """Note that a part passed."""
        self._passed = True

    def fails(self, part: Sequence[str]) -> None:
        """Note that a part failed by itself: what is left of it is tried in halves."""
        if len(part) == 1:
            self._failed_alone += 1
        else:
            self._parts.extend(halves(part))

    def again(self, part: Sequence[str]) -> None:
        """Note that nothing was found out about a part."""
        self._parts.append(tuple(part))

    def _sample(self) -> None:
        """Put one document from the middle of each part to the front, alone."""
        self._sampled = True
        singles: list[Ids] = []
        rest: list[Ids] = []
        for part in self._parts:
            middle = len(part) // 2
            singles.append(part[middle : middle + 1])
            rest += [left for left in (part[:middle], part[middle + 1 :]) if left]
        self._parts = deque([*singles, *rest])


def halves(ids: Sequence[str]) -> tuple[Ids, Ids]:
    """Two parts of about the same size."""
    middle = (len(ids) + 1) // 2
    return tuple(ids[:middle]), tuple(ids[middle:])
