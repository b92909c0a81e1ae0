"""`work list` and `work show`: works of all states, and the whole story of one."""

from __future__ import annotations

from typing import Any

import click

from ..operator.failed import UNSETTLED
from ..operator.serialization import as_json
from ..operator.work_detail import Story, story
from ..work import Operation, State
from .app_command import operating
from .completion import schema_argument
from .console import FINE, Console
from .failed import line, listed, page, rollup, totals
from .filters import filtered
from .ids import work_id
from .suggesting import Suggesting
from .text import pairs


@click.group(cls=Suggesting)
def work() -> None:
    """Look at single works of the ledger."""


@work.command("list", epilog="Example: scrypath-celery -A shop work list Post --state running --state pending")
@schema_argument
@filtered(*State)
@listed
@operating
def list_works(console: Console, schema: str | None, **parameters: Any) -> int:
    """List works: what waits, runs, is retried or failed, and with --state what is settled.

    One line a work, the newest first; one that runs shows its age, worker and Celery task.
    """
    found = page(console, schema, parameters, UNSETTLED)
    console.answer("work_list", as_json(found))
    console.say(pairs(**{state.value: count for state, count in found.by_state.items()}))
    for text in rollup(found, parameters["by"]):
        console.say(text)
    for one in found.works:
        console.say(line(one))
    console.say(totals(found, "listed"))
    return FINE


@work.command(epilog="Example: scrypath-celery -A shop work show 601")
@click.argument("id", callback=work_id)
@operating
def show(console: Console, id: int) -> int:
    """Tell the whole story of the work ID: states, times, worker, engine tasks, reasons, and who acted on it."""
    found = story(console.runtime, id)
    console.answer("work", as_json(found))
    for text in lines(found):
        console.say(text)
    return FINE


def lines(found: Story) -> list[str]:
    """The story in lines."""
    shown = ", ".join(found.document_ids[:20]) + (" ..." if len(found.document_ids) > 20 else "")
    told = [
        pairs(id=found.id, schema=found.schema, index=found.index, operation=found.operation, state=found.state),
        f"  documents: {found.documents} ({shown}), read as {found.read_as or 'unknown'}"
        if found.operation != Operation.FAN_OUT
        else f"  fan-out: {found.fan_out} of {shown}",
        f"  times: {pairs(created=found.created_at, started=found.started_at, finished=found.finished_at)}",
        f"  next: {pairs(available=found.available_at, published_again=found.publish_after)}",
        f"  spent: {pairs(mode=found.mode, attempts=found.attempts, unsettled_claims=found.claims)}",
        f"  worker: {pairs(name=found.worker, celery_task=found.task_id)}",
        f"  celery tasks: {', '.join(found.task_ids) or 'none'}",
        f"  engine tasks: {', '.join(map(str, found.engine_uids)) or 'none'}",
        f"  claim: {claim_text(found)}",
    ]
    if found.trace_id is not None:
        told.append(f"  trace: {found.trace_id}")
    if found.reason_class is not None:
        told.append(
            f"  reason: {pairs(reason_class=found.reason_class, error_code=found.error_code, reason=found.reason)}"
        )
    for event in found.history:
        told.append(f"  history: {pairs(**event)}")
    return told


def claim_text(found: Story) -> str:
    """The number of the claim that the work was last in, and the claim itself while it is kept."""
    if found.claim is None:
        return pairs(number=found.claim_number)
    claim = found.claim
    return pairs(number=claim.number, state=claim.state, lease_until=claim.lease_until, unanswered=claim.unanswered)
