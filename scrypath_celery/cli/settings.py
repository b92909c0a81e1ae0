"""`settings`: what is declared for an index and what it has; applying it; and a few settings at once, beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from ..declaration.schema import Schema
from ..errors import ScrypathError, SettingsError
from ..operator.serialization import as_json
from ..operator.settings_diff import Parity, SettingsDiff, keys_of, recorded
from .app_command import operating
from .completion import schema_argument
from .console import DIFFERENT, FINE, NOT_DONE, Console
from .given import GIVEN
from .suggesting import Suggesting
from .text import pairs

T = TypeVar("T")

all_schemas = click.option("--all", "every", is_flag=True, help="Every declared schema (deployments).")


@click.group(cls=Suggesting)
def settings() -> None:
    """Compare, apply and hot-apply the settings of an index."""


@settings.command(epilog="Example: scrypath-celery -A shop settings diff Post")
@schema_argument
@all_schemas
@operating
def diff(console: Console, schema: str | None, every: bool) -> int:
    """Show where the settings of an index differ from what is declared.

    Exit code 0 where they agree, 2 where they differ or there is no index, 1 where they could not be compared.
    """
    return _each(console, "settings diff", schema, every, console.search.settings_diff, _diff_lines, _diff_code)


@settings.command(epilog="Example: scrypath-celery -A shop settings read Post --json")
@schema_argument
@all_schemas
@operating
def read(console: Console, schema: str | None, every: bool) -> int:
    """Print all settings that an index has now."""

    def body(one: Schema) -> Mapping[str, Any]:
        found = console.search.settings_read(one)
        return {"schema": one.name, "index": console.runtime.uid_of(one), "settings": found}

    def lines(found: Mapping[str, Any]) -> list[str]:
        if found["settings"] is None:
            return [_no_index(console, found["schema"], found["index"])]
        head = pairs(schema=found["schema"], index=found["index"])
        return [head, *(f"  {key}: {_text(value)}" for key, value in found["settings"].items())]

    def code(found: Mapping[str, Any]) -> int:
        return DIFFERENT if found["settings"] is None else FINE

    return _each(console, "settings read", schema, every, body, lines, code)


@settings.command(epilog="Example: scrypath-celery -A shop settings apply --all")
@schema_argument
@all_schemas
@click.option("--everything", is_flag=True, help="Send all that is declared, also what does not differ.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@operating
def apply(console: Console, schema: str | None, every: bool, everything: bool, dry_run: bool) -> int:
    """Make an index have its declared settings: send what differs, wait, and read it back.

    A missing index is created with its primary key and settings. Hot-applied settings are dropped where they differ.
    """

    def run(one: Schema) -> Any:
        return console.search.settings_apply(one, everything=everything, dry_run=dry_run)

    def lines(done: Any) -> list[str]:
        would = "would be " if done.dry_run else ""
        made = [f"{done.schema}: index {done.index} {would or 'was '}created"] if done.created else []
        if done.applied:
            return [*made, f"{done.schema}: {would}applied to {done.index}: {', '.join(done.applied)}"]
        return made or [f"{done.schema}: {done.index} has the declared settings; nothing {would or 'was '}sent"]

    return _each(console, "settings apply", schema, every, run, lines, lambda done: FINE)


@settings.command(
    "hot-apply", epilog="Example: scrypath-celery -A shop settings hot-apply Post --settings-file hot.json --ack-live"
)
@schema_argument
@click.option(
    "--settings-file",
    "file",
    type=GIVEN,
    required=True,
    metavar="FILE",
    help="JSON object: synonyms, stop_words, typo_tolerance.",
)
@click.option("--ack-live", is_flag=True, help="Say that the live index is meant.")
@operating
def hot_apply(console: Console, schema: str | None, file: str, ack_live: bool) -> int:
    """Apply synonyms, stop words or typo tolerance to the live index at once, beside the declaration.

    During a rebuild both indexes get them. Who did it and when is shown by `settings diff`; declare them too, since
    `settings apply` and the next rebuild drop what is not declared.
    """
    chosen = console.schema(schema)
    done = console.search.settings_hot_apply(chosen, _loaded(file), ack_live=ack_live)
    console.answer("settings hot-apply", as_json(done))
    console.say(f"Hot-applied to {', '.join(done.indexes)}: {', '.join(done.keys)} (by {done.by})")
    console.say(f"Declare them too: {console.program} settings diff {done.schema} shows what differs")
    return FINE


def _each(
    console: Console,
    command: str,
    schema: str | None,
    every: bool,
    run: Callable[[Schema], T],
    lines: Callable[[T], list[str]],
    code: Callable[[T], int],
) -> int:
    """Do something for one schema, or for every; the worst exit code (1 before 2)."""
    if every and schema is not None:
        raise click.UsageError("give a schema or --all, not both")
    if not every:
        done = run(console.schema(schema))
        console.answer(command, as_json(done))
        for line in lines(done):
            console.say(line)
        return code(done)
    bodies, codes = list[Any](), [FINE]
    for one in console.schemas(None):
        try:
            done = run(one)
        except ScrypathError as exc:
            bodies.append({"schema": one.name, "error": {"code": exc.code, "message": str(exc)}})
            codes.append(NOT_DONE)
            console.note(f"Error: {one.name}: {exc}")
            continue
        bodies.append(as_json(done))
        codes.append(code(done))
        for line in lines(done):
            console.say(line)
    console.answer(command, {"indexes": bodies})
    return NOT_DONE if NOT_DONE in codes else max(codes)


def _diff_code(found: SettingsDiff) -> int:
    return FINE if found.status is Parity.PARITY else DIFFERENT


def _diff_lines(found: SettingsDiff) -> list[str]:
    lines = [pairs(schema=found.schema, index=found.index, status=found.status)]
    if found.status is Parity.MISSING:
        lines.append(f"  there is no such index: `scrypath-celery settings apply {found.schema}` creates it")
    for one in found.drift:
        lines += [f"  {one.key}:", f"    declared: {_text(one.declared)}", f"    applied: {_text(one.applied)}"]
    for hot in found.hot_applied:
        lines.append(f"  hot-applied: {pairs(at=hot.at, by=hot.by, keys=','.join(hot.keys))}")
    return lines


def _no_index(console: Console, name: str, index: str) -> str:
    return f"{name}: there is no index {index}: create it with `{console.program} settings apply {name}`"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _loaded(file: str) -> Mapping[str, Any]:
    try:
        found = json.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as exc:
        raise SettingsError(f"the settings file {file!r} cannot be read ({exc.strerror})") from exc
    except ValueError as exc:
        raise SettingsError(f"the settings file {file!r} must hold one JSON object ({exc})") from exc
    if not isinstance(found, dict):
        raise SettingsError(f"the settings file {file!r} must hold one JSON object")
    return found


def warn_of_hot_applied(console: Console, schema: Schema) -> None:
    """Name the hot-applied settings that a rebuild is about to drop."""
    found = console.runtime.ledger.read(lambda tx: recorded(tx, schema.uid))
    if found:
        names = ", ".join(keys_of(found))
        console.note(f"Note: {schema.name}: hot-applied settings are dropped where they are not declared: {names}")
