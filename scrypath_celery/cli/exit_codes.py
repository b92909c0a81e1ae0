"""How commands exit where click, or the place that the answer goes to, has the last word."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

FINE, NOT_DONE, DIFFERENT, WRONG_COMMAND_LINE = 0, 1, 2, 64

MEANINGS = {
    FINE: "Fine.",
    NOT_DONE: "Something could not be read or done.",
    DIFFERENT: "Done, and differences were found.",
    WRONG_COMMAND_LINE: "A wrong command line: nothing was done.",
}
"""The exit codes of commands."""


@contextmanager
def exit_codes() -> Iterator[None]:
    """Let a wrong command line exit with its own code, so that nobody takes a typo for a difference that was found.

    An answer that cannot be written (a full disk, a closed pipe) is one line and exit code 1. Where there is no stdout
    at all, nothing is begun: the next file or connection would take its place.
    """
    if sys.stdout is None:
        click.echo("Error: the answer could not be written (standard output is closed)", err=True)
        sys.exit(NOT_DONE)
    try:
        yield
    except click.UsageError as exc:
        exc.exit_code = WRONG_COMMAND_LINE  # type: ignore[misc]
        raise
    except OSError as exc:
        if not _is_of_answer(exc):
            raise
        _discard_stdout()
        with contextlib.suppress(OSError):
            click.echo(f"Error: the answer could not be written ({exc.strerror})", err=True)
        raise click.exceptions.Exit(NOT_DONE) from exc


def _is_of_answer(exc: OSError) -> bool:
    """Whether click raised it while it wrote the answer (or a message beside it)."""
    frames = [frame for frame, _ in traceback.walk_tb(exc.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == click.echo.__module__


def _discard_stdout() -> None:
    """Let what is left in the buffer go nowhere: Python would fail again when it ends."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
