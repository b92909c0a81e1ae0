"""What the commands of rebuilds share: their progress on stderr, the mode they run in, and their lines."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field

import click

from ..rebuild.rebuild import How
from ..rebuild.report import RebuildStatus
from .app_command import seen_by_workers
from .console import Console
from .text import pairs

EVERY = 5.0
"""Seconds between two lines of progress where stderr is no terminal."""


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
        terminal = sys.stderr.isatty()
        if not terminal and now - self.told < EVERY:
            return
        self.told = now
        line = f"{phase}: {self._share(done, total)}{self._pace(done, total, now)}"
        click.echo(f"\r\033[K{line}" if terminal else line, err=True, nl=not terminal)

    def end(self) -> None:
        """End the line on a terminal."""
        if self.phase and sys.stderr.isatty():
            click.echo("", err=True)

    def _share(self, done: int, total: int | None) -> str:
        if total is None:
            return f"{done} documents"
        return f"{done} of {total} documents ({100 * done // total if total else 100} %)"

    def _pace(self, done: int, total: int | None, now: float) -> str:
        seconds, moved = now - self.started, done - self.first
        if seconds < 1 or moved <= 0:
            return ""
        rate = moved / seconds
        left = f", {max(total - done, 0) / rate:.0f} s to go" if total is not None else ""
        return f", {rate:.0f}/s{left}"


def how(console: Console, what: str, *, detach: bool, meter: Meter) -> How:
    """How a command runs a rebuild: flags that workers would not see are refused where workers run it.

    Raises:
        ConfigError: such a flag was given.
    """
    mode = console.search.rebuild_mode()
    if mode.value == "celery":
        seen_by_workers(console, what)
    elif detach:
        raise click.UsageError("--detach leaves a rebuild to the workers: it needs the mode celery")
    return How(mode=mode, detach=detach, progress=meter, note=console.note)


def rebuild_line(one: RebuildStatus) -> str:
    """One line about a rebuild."""
    shown = pairs(
        id=one.id,
        operation=one.operation.value,
        phase=one.phase.value,
        filled=one.filled,
        total=one.total,
        ranges=f"{one.ranges_over}/{one.ranges}",
        rate=one.rate,
        eta=one.eta,
        caught_up=one.caught_up,
        owner=one.owner,
        target=one.target,
    )
    return shown + (f" blocked_by={','.join(one.blocked_by)}" if one.blocked_by else "")


def pairs_of(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """The field=value pairs of an option."""
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{text!r} must be field=value", ctx, param)
        found[name] = value
    return found
