"""What a command speaks through: lines or one JSON document on stdout, messages and progress on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..errors import SchemaError, ScrypathError
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
    as_json: bool
    flags: Mapping[str, Any]

    @property
    def runtime(self) -> Runtime:
        """What the services work with."""
        return self.search.runtime

    def schema(self, name: str | None) -> Schema:
        """The schema of a name, or the only one that is declared.

        Raises:
            SchemaError: there is no such schema, or several and no name.
        """
        declared = list(self.search.schemas)
        if name is not None or len(declared) == 1:
            return self.search.schemas.of(name if name is not None else declared[0])
        if not declared:
            raise SchemaError(NONE_DECLARED)
        raise SchemaError(f"several schemas are declared, name one: {', '.join(schema.name for schema in declared)}")

    def schemas(self, name: str | None) -> list[Schema]:
        """The schema of a name, or all.

        Raises:
            SchemaError: there is no such schema, or none at all.
        """
        if name is not None:
            return [self.search.schemas.of(name)]
        if not len(self.search.schemas):
            raise SchemaError(NONE_DECLARED)
        return list(self.search.schemas)

    def say(self, line: str) -> None:
        """A line of the answer; nothing where the answer is a JSON document."""
        if not self.as_json:
            click.echo(line)

    def answer(self, command: str, body: Mapping[str, Any]) -> None:
        """The answer as one JSON document, where that was asked for."""
        if self.as_json:
            document(command, body)

    def note(self, line: str) -> None:
        """A message beside the answer."""
        click.echo(line, err=True)

    def progress(self, phase: str, done: int, total: int | None) -> None:
        """A report of progress: one line that changes on a terminal, silence elsewhere."""
        if sys.stderr.isatty():
            share = f" of {total} ({100 * done // total if total else 100} %)" if total is not None else ""
            click.echo(f"\r\033[K{phase}: {done}{share}", err=True, nl=False)

    def progressed(self) -> None:
        """End the line of `progress`."""
        if sys.stderr.isatty():
            click.echo("", err=True)


PROGRAM = "scrypath-celery"
"""How errors begin the commands that they recommend, since they know nothing of how they are called."""

NONE_DECLARED = "no schema is declared: name the modules that declare them in the option 'include'"


def document(command: str, body: Mapping[str, Any]) -> None:
    """Print one JSON document."""
    from ..operator.serialization import VERSION

    click.echo(json.dumps({"version": VERSION, "command": command, **body}, ensure_ascii=False))


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
        said = str(exc).replace(f"`{PROGRAM} ", f"`{program} ")
        if as_json:
            document(command, {"error": {"code": exc.code, "message": said}})
        else:
            click.echo(f"Error: {said}", err=True)
        raise click.exceptions.Exit(NOT_DONE) from exc
