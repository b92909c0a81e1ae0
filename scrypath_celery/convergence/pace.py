"""The pace of claims under load: when single changes come in faster than they are claimed, claims grow instead."""

from __future__ import annotations

from dataclasses import dataclass

WAITS, LONGEST = 4.0, 0.3
"""The wait before a further claim, in durations of the last one, and the longest (seconds): what is committed meanwhile
comes along, and who commits has the processor. Slow records must not make others wait for long."""
SMALL = 500
"""Claims of so many documents do not make the next one wait."""


@dataclass(kw_only=True)
class Pace:
    """When the next claim of single changes may come, while others are under way (`until`, of `time.monotonic`).

    A claim after which nothing was ready was in time: nothing waits then.
    """

    until: float = 0.0
    _follows: bool = False

    def claimed(self, documents: int, *, spent: float, now: float) -> None:
        """Note a claim of so many documents that took `spent` seconds, and ended now."""
        paced = self._follows and documents < SMALL
        self.until = now + min(WAITS * spent, LONGEST) if paced else 0.0
        self._follows = True

    def found_nothing(self) -> None:
        """Note that nothing was ready."""
        self.until, self._follows = 0.0, False
