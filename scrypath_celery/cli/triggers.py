"""`ledger triggers`: the database itself writes the works."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

import click

from ..errors import ConfigError, SchemaError
from ..ledger.triggers.trigger import TableStatus, TriggerState
from ..ledger.triggers.triggers import Triggers, remove_index, undeclared
from .app_command import operating
from .completion import schema_argument
from .console import DIFFERENT, FINE, NOT_DONE, Console
from .given import GIVEN
from .suggesting import Suggesting
from .text import pairs


@click.group(cls=Suggesting)
def triggers() -> None:
    """Capture every write by triggers in the database, whoever makes it.

    Without a schema each command is for all that are declared.
    """


@triggers.command(epilog="Example: scrypath-celery -A shop ledger triggers install Post --sql")
@schema_argument
@click.option("--sql", is_flag=True, help="Print the statements, and run none.")
@click.option("--alembic", is_flag=True, help="Print them as operations of an Alembic migration, and run none.")
@operating
def install(console: Console, schema: str | None, sql: bool, alembic: bool) -> int:
    """Install what is missing, and renew what is outdated or switched off; again changes nothing."""
    if sql or alembic:
        return _print(console, schema, alembic=alembic)
    return _change(console, "ledger triggers install", schema, "installed", lambda one: one.install())


@triggers.command(epilog="Example: scrypath-celery -A shop ledger triggers upgrade")
@schema_argument
@operating
def upgrade(console: Console, schema: str | None) -> int:
    """Renew the triggers of schemas that have some, after an upgrade or a changed declaration."""

    def renew(one: Triggers) -> tuple[TableStatus, ...]:
        return one.install() if console.runtime.ledger.read(one.standing_if_any) else ()

    return _change(console, "ledger triggers upgrade", schema, "renewed", renew)


@triggers.command(epilog="Example: scrypath-celery -A shop ledger triggers remove Post")
@schema_argument
@click.option("--index", type=GIVEN, metavar="UID", help="Those of this index, which nobody declares any more.")
@operating
def remove(console: Console, schema: str | None, index: str | None) -> int:
    """Remove all triggers and functions; from then on calls and `track` alone capture writes."""
    if index is None:
        return _change(console, "ledger triggers remove", schema, "removed", lambda one: one.remove())
    if schema is not None:
        raise ConfigError("name a schema or --index, not both")
    found = remove_index(console.runtime.ledger, index)
    _say(console, index, "removed", found)
    console.answer("ledger triggers remove", {"removed": _listed(found)})
    return FINE


@triggers.command(epilog="Example: scrypath-celery -A shop ledger triggers status --json")
@schema_argument
@operating
def status(console: Console, schema: str | None) -> int:
    """Show how the triggers of each table stand.

    Exit code 0 where all are installed, 2 where one is missing, outdated, disabled or left over, 1 where the triggers
    of a schema cannot be told.
    """
    found, errors = list[TableStatus](), dict[str, str]()
    for one in console.schemas(schema):
        try:
            found += console.runtime.ledger.triggers(one).status()
        except SchemaError as exc:
            errors[one.name] = str(exc)
            console.note(f"Error: {exc}")
    others = undeclared(console.runtime.ledger, console.search.schemas) if schema is None else {}
    body = {"tables": _listed(found), "errors": errors, "undeclared": others}
    console.answer("ledger triggers status", body)
    for table in found:
        console.say(_told(table, table.told))
    for index, tables in others.items():
        console.note(
            f"Triggers on {', '.join(tables)} write for the index {index}, which is not declared here: where no other"
            f" application declares it, run `scrypath-celery ledger triggers remove --index {index}`"
        )
    different = any(table.state is not TriggerState.INSTALLED for table in found)
    return NOT_DONE if errors else DIFFERENT if different else FINE


def _change(console: Console, command: str, schema: str | None, word: str, run: Any) -> int:
    done: list[TableStatus] = []
    for one in console.schemas(schema):
        tables = run(console.runtime.ledger.triggers(one))
        done += tables
        _say(console, one.name, word, tables)
    console.answer(command, {word: _listed(done)})
    return FINE


def _say(console: Console, name: str, word: str, tables: Sequence[TableStatus]) -> None:
    for table in tables:
        console.say(_told(table, word))
    if not tables:
        console.say(f"{name}: nothing to do")


def _told(table: TableStatus, triggers: str) -> str:
    misses = f" misses {table.misses}" if table.misses else ""
    return f"{pairs(schema=table.schema, table=table.table, triggers=triggers)}{misses}"


def _print(console: Console, schema: str | None, *, alembic: bool) -> int:
    several = [console.runtime.ledger.triggers(one) for one in console.schemas(schema)]
    statements = [text for one in several for text in one.statements()]
    console.answer("ledger triggers install", {"statements": statements})
    operations = [f"op.execute({_literal(text)})" for text in statements]
    for text in operations if alembic else [one.script() for one in several]:
        console.say(text)
    return FINE


_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")
"""A colon that Alembic would take for the beginning of a parameter: names can hold some."""


def _literal(text: str) -> str:
    """A statement for Alembic, as Python writes it down."""
    text = _PARAMETER.sub(r"\:", text)
    readable = "\n" in text and '"""' not in text and not text.endswith(('"', "\\"))
    return f'''r"""{text}"""''' if readable else repr(text)


def _listed(found: Iterable[TableStatus]) -> list[dict[str, Any]]:
    return [asdict(one) for one in found]
