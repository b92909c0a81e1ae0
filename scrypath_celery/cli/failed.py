"""`failed`: dead letters and what is being retried, one stable line each, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from ..ledger.selection import Grouping, Order
from ..operator.failed import PAGE, SHOWN, ClassCount, Failed
from ..operator.failed import failed as look
from ..operator.selection import Selection
from ..operator.serialization import as_json
from ..operator.work_rows import WorkRow
from ..work import State
from .app_command import operating
from .completion import schema_argument
from .console import FINE, Console
from .filters import filtered, taken
from .given import GIVEN
from .ids import work_id
from .text import pairs

F = TypeVar("F", bound=Callable[..., Any])

STATES = (State.FAILED, State.RETRYING, State.RUNNING, State.PENDING, State.SUBMITTED, State.CANCELLED)

OPTIONS = (
    click.option(
        "--order", type=click.Choice([one.value for one in Order]), default=Order.NEWEST.value, show_default=True
    ),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        default=PAGE,
        show_default=True,
        help="The most rows of a page.",
    ),
    click.option("--after", type=GIVEN, metavar="ID", callback=work_id, help="The page behind this work."),
    click.option(
        "--by",
        type=click.Choice([one.value for one in Grouping if one is not Grouping.CLASS]),
        help="Count by error code, schema or hour too.",
    ),
    click.option("--summary", is_flag=True, help="Show the counts alone."),
)


def listed(function: F) -> F:
    """Give a command the options by which works are listed."""
    for option in reversed(OPTIONS):
        function = option(function)
    return function


def page(console: Console, schema: str | None, parameters: dict[str, Any], states: Sequence[State]) -> Failed:
    """Look at the works that a command's parameters choose; in these states where they name none."""
    by, summary, limit = parameters["by"], parameters["summary"], parameters["limit"]
    return look(
        console.runtime,
        console.named(schema),
        taken(parameters),
        order=Order(parameters["order"]),
        limit=0 if summary else limit,
        after=parameters["after"],
        by=Grouping(by) if by is not None else Grouping.CLASS,
        states=states,
    )


@click.command(epilog="Example: scrypath-celery -A shop failed Post --since 10m --code projection_raised")
@schema_argument
@filtered(*STATES)
@listed
@click.option("--no-class-summary", is_flag=True, help="Leave out the rollup by reason class.")
@operating
def failed(console: Console, schema: str | None, no_class_summary: bool, **parameters: Any) -> int:
    """Show failed work: dead letters, and what is being retried.

    One line a work, `key=value`, the reason last; above them how many there are of each reason class. `source` is
    `engine` where the engine rejected it, `queue` where the work did not get that far. `documents` counts what is left
    of it.
    """
    found = page(console, schema, parameters, SHOWN)
    console.answer("failed", as_json(found))
    if not no_class_summary:
        for text in rollup(found, parameters["by"]):
            console.say(text)
    for work in found.works:
        console.say(line(work))
    console.say(totals(found, kind(taken(parameters))))
    return FINE


def rollup(found: Failed, by: str | None) -> list[str]:
    """The counts by class, and by what else was asked for."""
    told = []
    if found.classes:
        told = ["Failed work by class:", *(class_line(one) for one in found.classes)]
    if by is not None and found.groups:
        told += [f"Work by {by}:", *(f"  {pairs(**{by: one.key, 'works': one.count})}" for one in found.groups)]
    return told


def class_line(one: ClassCount) -> str:
    """One line of the rollup."""
    return f"  {one.reason_class}: {pairs(failed=one.failed, retrying=one.retrying)}"


def kind(chosen: Selection) -> str:
    """What the works of a selection are called: failed, or by the states that it names."""
    return " or ".join(chosen.get("states") or ("failed",))


def totals(found: Failed, kind: str) -> str:
    """The last line: how many there are, how many are shown, and where the next page begins."""
    if not found.total:
        return f"No {kind} work."
    shown = f"{len(found.works)} of {found.total} {kind} works shown"
    return shown if found.next is None else f"{shown}; the next page: --after {found.next}"


def line(work: WorkRow) -> str:
    """One row."""
    told: dict[str, Any] = {"id": work.id, "time": work.time, "schema": work.schema, "state": work.state}
    told |= {"operation": work.operation, "mode": work.mode}
    if work.reason_class is not None:
        told |= {"source": work.source, "reason_class": work.reason_class, "error_code": work.error_code}
        told |= {"retryable": work.retryable}
    told |= {"attempts": f"{work.attempt}/{work.max_attempts}", "documents": work.documents}
    told |= {"last_attempt": work.last_attempt_at}
    if work.state is State.RETRYING:
        told |= {"next_attempt": work.next_attempt_at}
    if work.worker is not None:
        told |= {"age": work.age, "worker": work.worker, "task_id": work.task_id}
    if work.reason_class is not None:
        told |= {"reason": work.reason or None}
    return pairs(**told)
