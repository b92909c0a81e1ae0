"""One line of the report."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Line:
    """Two figures of one run, what the first is of the second, and what was hoped for.

    `runs` are the ratios of all runs where there were several: `ratio` is then their median.
    """

    name: str
    ours: str
    theirs: str
    ratio: float
    target: str
    runs: Sequence[float] = ()

    def shown(self) -> str:
        """As it is printed."""
        runs = f"; runs {', '.join(f'{one:.2f}' for one in self.runs)}" if len(self.runs) > 1 else ""
        return f"{self.name}: {self.ratio:.2f} (target {self.target}{runs}; {self.ours} against {self.theirs})"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Something that is counted and has no counterpart, or why it was not measured."""

    name: str
    text: str

    def shown(self) -> str:
        """As it is printed."""
        return f"{self.name}: {self.text}"


def median(runs: Sequence[float]) -> float:
    """The middle one of some runs."""
    return statistics.median(runs)
