"""How the demo speaks: lines of at most 80 columns on stdout, coloured on a terminal; progress on stderr."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import click

from .stage import Broken

_WIDTH = 30
_COLUMNS = 80


class Voice:
    """Says what is done, by which call or command, and what held."""

    def __init__(self) -> None:
        self.steps = self.checks = 0
        self._quarter: tuple[str, int] = ("", 0)
        self._full = ""

    def step(self, title: str) -> None:
        """Begin a step."""
        self.steps += 1
        click.echo()
        _echo(f"{self.steps}. ", title, bold=True)

    def say(self, text: str) -> None:
        """Explain."""
        _echo("   ", text)

    def call(self, *lines: str) -> None:
        """Show the Python that is being run."""
        for line in lines:
            click.secho(f"   ... {line}" if line.startswith(" ") else f"   >>> {line}", fg="cyan")

    def command(self, line: str, answer: str = "") -> None:
        """Show a command, and what it said."""
        click.secho(f"   $ {line}", fg="cyan")
        for said in answer.rstrip().splitlines():
            _echo("   | ", said, rest="   |     ", dim=True)

    def hold(self, condition: bool, claim: str) -> None:
        """Check that a claim holds, and say so.

        Raises:
            Broken: it does not.
        """
        if not condition:
            raise Broken(claim)
        self.checks += 1
        _echo("   ok: ", claim, fg="green")

    def progress(self, phase: str, done: int, total: int | None) -> None:
        """A bar on stderr: one a phase that grows on a terminal, four lines a phase elsewhere."""
        share = min(done / total, 1.0) if total else 0.0
        bar = "#" * int(share * _WIDTH)
        line = f"   {phase:<10} [{bar:<{_WIDTH}}] {done:,} of {total or 0:,} documents"
        if sys.stderr.isatty():
            if phase == self._full:
                return
            self._full = phase if share >= 1.0 else ""
            click.echo(f"\r\033[K{line}", err=True, nl=share >= 1.0)
        elif (phase, int(share * 4)) > self._quarter or phase != self._quarter[0]:
            self._quarter = (phase, int(share * 4))
            click.echo(line, err=True)


def _echo(first: str, text: str, *, rest: str | None = None, **style: Any) -> None:
    """Write a text in lines that begin with `first` and `rest` (default: as many blanks), in a style of click's."""
    for line in textwrap.wrap(
        text,
        _COLUMNS,
        initial_indent=first,
        subsequent_indent=" " * len(first) if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    ) or [first.rstrip()]:
        click.secho(line, **style)
