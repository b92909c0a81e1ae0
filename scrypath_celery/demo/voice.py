"""How the demo speaks: plain lines on stdout, progress on stderr."""

from __future__ import annotations

import sys

import click

from .stage import Broken

_WIDTH = 30


class Voice:
    """Says what is done, by which call or command, and what held."""

    def __init__(self) -> None:
        self.steps = self.checks = 0
        self._quarter: tuple[str, int] = ("", 0)

    def step(self, title: str) -> None:
        """Begin a step."""
        self.steps += 1
        click.echo(f"\n{self.steps}. {title}")

    def say(self, text: str) -> None:
        """Explain."""
        click.echo(f"   {text}")

    def call(self, *lines: str) -> None:
        """Show the Python that is being run."""
        for line in lines:
            click.echo(f"   ... {line}" if line.startswith(" ") else f"   >>> {line}")

    def command(self, line: str, answer: str = "") -> None:
        """Show a command, and what it said."""
        click.echo(f"   $ {line}")
        for said in answer.rstrip().splitlines():
            click.echo(f"   | {said}")

    def hold(self, condition: bool, claim: str) -> None:
        """Check that a claim holds, and say so.

        Raises:
            Broken: it does not.
        """
        if not condition:
            raise Broken(claim)
        self.checks += 1
        click.echo(f"   ok: {claim}")

    def progress(self, phase: str, done: int, total: int | None) -> None:
        """A bar on stderr: one that grows on a terminal, four lines a phase elsewhere."""
        share = min(done / total, 1.0) if total else 0.0
        bar = "#" * int(share * _WIDTH)
        line = f"   {phase:<9} [{bar:<{_WIDTH}}] {done:,} of {total or 0:,} documents"
        if sys.stderr.isatty():
            click.echo(f"\r\033[K{line}", err=True, nl=share >= 1.0)
        elif (phase, int(share * 4)) > self._quarter or phase != self._quarter[0]:
            self._quarter = (phase, int(share * 4))
            click.echo(line, err=True)
