"""One line of the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Line:
    """Two figures of one run, what the first is of the second, and what was hoped for."""

    name: str
    ours: str
    theirs: str
    ratio: float
    target: str

    def shown(self) -> str:
        """As it is printed."""
        return f"{self.name}: {self.ratio:.2f} (target {self.target}; {self.ours} against {self.theirs})"
