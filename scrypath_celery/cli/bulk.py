"""What `retry` and `cancel` share: one work by its id, or all that a filter leaves, with a dry run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from ..operator.bulk import BulkResult
from ..operator.selection import Selection
from ..operator.serialization import as_json
from .console import FINE, NOT_DONE, Console
from .given import GIVEN
from .ids import one_work_id
from .text import pairs

F = TypeVar("F", bound=Callable[..., Any])

SHOWN = 50
"""The most ids that a dry run prints, and reasons of works that were left as they are."""

OPTIONS = (
    click.option(
        "--id", "id", type=GIVEN, metavar="ID", multiple=True, callback=one_work_id, help="The one work of this id."
    ),
    click.option("--all", "every", is_flag=True, help="All dead letters, without a filter."),
    click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The most works, the oldest first."),
    click.option("--dry-run", is_flag=True, help="Show what a filter leaves, and change nothing."),
)


def scoped(function: F) -> F:
    """Give a command the options that say which works it is to change."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def check_scope(id: int | None, chosen: Selection, *, every: bool, limit: int | None, dry_run: bool) -> None:
    """Refuse a command line that names no works, or names them twice.

    Raises:
        click.UsageError: it does.
    """
    if id is not None and (chosen or every or dry_run or limit is not None):
        raise click.UsageError("--id is the one work: it takes no filter, --all, --limit or --dry-run")
    if id is None and not chosen and not every:
        raise click.UsageError("name the works: --id ID, a filter such as --since 10m, or --all")
    if every and chosen:
        raise click.UsageError("--all takes no filter")


def told(console: Console, command: str, done: BulkResult, verb: str) -> int:
    """Say what became of many works; the exit code."""
    console.answer(command, as_json(done))
    if done.dry_run:
        for id in done.ids[:SHOWN]:
            console.say(pairs(id=id))
        more = f", the first {SHOWN} shown" if len(done.ids) > SHOWN else ""
        console.say(f"Would have {verb} {len(done.ids)} of {done.matching} works (nothing was changed{more})")
        return FINE
    for why in list(done.skipped.values())[:SHOWN]:
        console.note(why)
    if len(done.skipped) > SHOWN:
        console.note(f"{len(done.skipped) - SHOWN} more were left as they are")
    console.say(f"{verb.capitalize()} {len(done.done)} of {done.matching} works")
    return NOT_DONE if done.skipped else FINE
