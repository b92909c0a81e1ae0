"""Progress on stderr, all of it: one line that changes on a terminal."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

import click

EVERY = 5.0
"""Seconds between two lines of progress where stderr is no terminal."""


def is_terminal() -> bool:
    """Whether somebody watches."""
    return sys.stderr is not None and sys.stderr.isatty()


def show(line: str) -> None:
    """Show a line: on a terminal in place of the last one."""
    click.echo(f"\r\033[K{line}" if is_terminal() else line, err=True, nl=not is_terminal())


def end() -> None:
    """End the line on a terminal."""
    if is_terminal():
        click.echo("", err=True)


def share(done: int, total: int | None, of: str = "") -> str:
    """How many are done, and of how many where that is known."""
    if total is None:
        return f"{done}{of}"
    return f"{done} of {total}{of} ({100 * done // total if total else 100} %)"


@dataclass
class Meter:
    """Progress on stderr: documents, rate, time to go, phase; one line that changes on a terminal."""

    phase: str = ""
    started: float = field(default_factory=time.monotonic)
    first: int = 0
    told: float = 0.0

    def __call__(self, phase: str, done: int, total: int | None) -> None:
        """Say how far it is; where stderr is no terminal every few seconds, and at each new phase."""
        now = time.monotonic()
        if phase != self.phase:
            self.phase, self.started, self.first, self.told = phase, now, done, 0.0
        if not is_terminal() and now - self.told < EVERY:
            return
        self.told = now
        show(f"{phase}: {share(done, total, ' documents')}{self._pace(done, total, now)}")

    def end(self) -> None:
        """End the line on a terminal."""
        if self.phase:
            end()

    def _pace(self, done: int, total: int | None, now: float) -> str:
        seconds, moved = now - self.started, done - self.first
        if seconds < 1 or moved <= 0:
            return ""
        rate = moved / seconds
        left = f", {max(total - done, 0) / rate:.0f} s to go" if total is not None else ""
        return f", {rate:.0f}/s{left}"
