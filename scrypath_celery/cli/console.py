"""What a command speaks through: lines or one JSON document on stdout, messages and progress on stderr."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import click

from ..errors import SchemaError, ScrypathError
from . import progress
from .exit_codes import DIFFERENT, FINE, NOT_DONE

if TYPE_CHECKING:
    from ..app import Scrypath
    from ..declaration.schema import Schema
    from ..runtime import Runtime


__all__ = ["DIFFERENT", "FINE", "NONE_DECLARED", "NOT_DONE", "Console", "document", "reported"]


@dataclass(frozen=True, kw_only=True)
class Console:
    """One call of a command: its application, how it was called, and how it answers."""

    search: Scrypath
    program: str
    worker: str
    """How a worker of the application is started."""
    as_json: bool
    flags: Mapping[str, Any]
    timeout: float | None = None
    """Seconds within which the command is to end; None where it may take its time."""
    began: float = field(default_factory=time.monotonic)

    @property
    def runtime(self) -> Runtime:
        """What the services work with; with a timeout, a ledger that is locked says so within it."""
        found = self.search.runtime
        return found if self.seconds is None else replace(found, ledger=found.ledger.within(self.seconds))

    @property
    def seconds(self) -> float | None:
        """How long looking may take, so that what was seen is printed within the timeout."""
        return None if self.timeout is None else max(0.9 * self.timeout - (time.monotonic() - self.began), 0.1)

    @property
    def impatient(self) -> Runtime:
        """The same for a command that only looks: engine and ledger have to answer within a part of the timeout."""
        from ..operator.probe import with_timeouts

        answer = 10.0 if self.seconds is None else min(10.0, self.seconds / 3)
        return with_timeouts(self.runtime, connect=min(3.0, answer), answer=answer)

    def schema(self, name: str | None) -> Schema:
        """The schema of a name, or the only one that is declared.

        Raises:
            SchemaError: there is no such schema. click.UsageError: there are several, and no name is given.
        """
        declared = list(self.search.schemas)
        if name is not None or len(declared) == 1:
            return self.search.schemas.of(name if name is not None else declared[0])
        if not declared:
            raise SchemaError(NONE_DECLARED)
        names = ", ".join(schema.name for schema in declared)
        raise click.UsageError(f"several schemas are declared, name one: {names}")

    def named(self, name: str | None) -> list[Schema] | None:
        """The schemas of a name, as `schemas` gives them; None for all works of the ledger, whoever declares them.

        Raises:
            SchemaError: there is no such schema.
        """
        return None if name is None else self.schemas(name)

    def schemas(self, name: str | None) -> list[Schema]:
        """The schema of a name (all schemas, of a class's name), or all.

        Raises:
            SchemaError: there is no such schema, or none at all.
        """
        if name is not None:
            return list(self.search.schemas.all_of(name))
        if not len(self.search.schemas):
            raise SchemaError(NONE_DECLARED)
        return list(self.search.schemas)

    def say(self, line: str) -> None:
        """A line of the answer; nothing where the answer is a JSON document."""
        if not self.as_json:
            click.echo(called(line, self.program))

    def answer(self, command: str, body: Mapping[str, Any]) -> None:
        """The answer as one JSON document, where that was asked for."""
        if self.as_json:
            document(command, body, self.program)

    def note(self, line: str) -> None:
        """A message beside the answer."""
        click.echo(called(line, self.program), err=True)

    def progress(self, phase: str, done: int, total: int | None) -> None:
        """A report of progress: one line that changes on a terminal, silence elsewhere."""
        if progress.is_terminal():
            progress.show(f"{phase}: {progress.share(done, total)}")

    def progressed(self) -> None:
        """End the line of `progress`."""
        progress.end()


NONE_DECLARED = "no schema is declared: name the modules that declare them in the option 'include'"


PROGRAM = "scrypath-celery"
"""How commands begin that errors recommend (between backticks), since they do not know how ours was called."""


def called(text: str, program: str) -> str:
    """A text whose recommended commands begin as the operator called ours, with the `-A` that was given, once."""
    return text.replace(f"`{program} ", f"`{PROGRAM} ").replace(f"`{PROGRAM} ", f"`{program} ")


def document(command: str, body: Mapping[str, Any], program: str = PROGRAM) -> None:
    """Print one JSON document."""
    from ..operator.serialization import VERSION

    text = json.dumps({"version": VERSION, "command": command, **body}, ensure_ascii=False)
    click.echo(called(text, json.dumps(program)[1:-1]))


def tell_error(command: str, error: ScrypathError, *, as_json: bool, program: str = PROGRAM) -> None:
    """Print an error of this package as one line, or as one JSON document."""
    if as_json:
        document(command, {"error": {"code": error.code, "message": str(error)}}, program)
    else:
        click.echo(f"Error: {called(str(error), program)}", err=True)


@contextmanager
def reported(command: str, *, as_json: bool, program: str = PROGRAM) -> Iterator[None]:
    """Turn an error of this package into one line (or one JSON document) and exit code 1.

    Commands that it recommends begin with `program`, as this one was called.
    """
    # What modules log is not the command's answer; without a handler Python would print warnings.
    logging.getLogger("scrypath_celery").addHandler(logging.NullHandler())
    try:
        yield
    except ScrypathError as exc:
        tell_error(command, exc, as_json=as_json, program=program)
        raise click.exceptions.Exit(NOT_DONE) from exc
