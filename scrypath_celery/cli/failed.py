"""`failed`: dead letters and what is being retried, one stable line each."""

from __future__ import annotations

import click

from ..operator.failed import ClassCount, FailedWork
from ..operator.failed import failed as look
from ..operator.serialization import as_json
from .app_command import operating
from .console import FINE, Console
from .text import pairs


@click.command(epilog="Example: scrypath-celery -A shop failed Post --json")
@click.argument("schema", required=False)
@click.option("--no-class-summary", is_flag=True, help="Leave out the rollup by reason class.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="The most rows, oldest first."
)
@operating
def failed(console: Console, schema: str | None, no_class_summary: bool, limit: int) -> int:
    """Show failed work: dead letters, and what is being retried.

    One line a work, `key=value`, the reason last. `source` is `engine` where the engine rejected it, `queue` where the
    work did not get that far. `documents` counts what is left of it.
    """
    found = look(console.runtime, console.schemas(schema)[0] if schema is not None else None, limit=limit)
    console.answer("failed", as_json(found))
    if not no_class_summary and found.classes:
        console.say("Failed work by class:")
        for one in found.classes:
            console.say(class_line(one))
    for work in found.works:
        console.say(line(work))
    if not found.works:
        console.say("No failed work.")
    if found.total > len(found.works):
        console.note(f"{found.total - len(found.works)} more: see --limit")
    return FINE


def class_line(one: ClassCount) -> str:
    """One line of the rollup."""
    return f"  {one.reason_class}: {pairs(failed=one.failed, retrying=one.retrying)}"


def line(work: FailedWork) -> str:
    """One row."""
    return pairs(
        id=work.id,
        source=work.source,
        state=work.state,
        operation=work.operation,
        retryable=work.retryable,
        reason_class=work.reason_class,
        attempt=work.attempt,
        documents=work.documents,
        reason=work.reason or None,
    )
