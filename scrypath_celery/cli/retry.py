"""`retry`: give failed work to the workers again, by its id, or by a filter with a dry run."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import click

from ..operator.bulk import bulk_retry
from ..operator.receipt import Receipt, Stage, wait_for
from ..operator.retry import retry as retry_one
from ..operator.selection import Selection
from ..operator.serialization import as_json
from ..work import Mode, State
from .app_command import operating, seen_by_workers
from .broker import reach
from .bulk import check_scope, scoped, told
from .completion import schema_argument
from .console import DIFFERENT, FINE, NOT_DONE, Console
from .filters import filtered, taken
from .seconds import Seconds
from .text import pairs

WAIT = 60.0
"""Seconds that `--wait` alone waits for."""

EXITS = {Stage.VERIFIED: FINE, Stage.FAILED: DIFFERENT}
"""How a receipt exits; what is unknown could not be done."""


@click.command(epilog="Example: scrypath-celery -A shop retry --reason-class transport --since 2h --dry-run")
@schema_argument
@scoped
@filtered(State.FAILED, State.RETRYING, State.CANCELLED)
@click.option(
    "--wait",
    metavar="[SECONDS]",
    type=Seconds(),
    is_flag=False,
    flag_value=WAIT,
    help=f"With --id: follow it until its documents are seen in the index, {WAIT:g} s at most.",
)
@click.option("--log-exception-text", is_flag=True, help="Where it runs here: keep what an exception says.")
@operating
def retry(
    console: Console,
    schema: str | None,
    id: int | None,
    every: bool,
    limit: int | None,
    dry_run: bool,
    wait: float | None,
    log_exception_text: bool,
    **parameters: Any,
) -> int:
    """Retry failed work: the one of --id, or all that a filter leaves.

    What is retried is `pending`: accepted, not yet visible. Without --state it is dead letters. With --wait a receipt
    follows, and the exit code is 0 where the documents were verified, 2 where the work failed, 1 where it is unknown.
    """
    chosen = taken(parameters)
    check_scope(id, chosen, every=every, limit=limit, dry_run=dry_run)
    if wait is not None and id is None:
        raise click.UsageError("--wait follows one work: give --id with it")
    text = console.search.override(log_exception_text=True) if log_exception_text else nullcontext()
    with text:
        if id is not None:
            return one(console, id, schema, wait)
        return many(console, schema, chosen, every=every, limit=limit, dry_run=dry_run)


def one(console: Console, id: int, schema: str | None, wait: float | None = None) -> int:
    """Retry one work; the exit code."""
    if Mode(console.runtime.options.sync_mode) is not Mode.INLINE:
        seen_by_workers(console, "a retry")
    done = retry_one(console.runtime, id, console.named(schema))
    console.say(f"Retried failed work {id}")
    console.say(pairs(status=done.status, mode=done.mode, reference=done.reference))
    if done.reason is not None:
        console.note(done.reason)
    if done.mode is Mode.CELERY:
        note_broker(console)
    if wait is None:
        console.answer("retry", as_json(done))
        return NOT_DONE if done.status is State.FAILED else FINE
    receipt = wait_for(console.runtime, id, seconds=wait, note=lambda stage: console.note(f"{stage} ..."))
    console.answer("retry", {**as_json(done), "receipt": as_json(receipt)})
    console.say(receipt_line(receipt))
    return EXITS.get(receipt.stage, NOT_DONE)


def receipt_line(receipt: Receipt) -> str:
    """The receipt in one line."""
    seen = f"{receipt.documents}/{receipt.of}"
    return "receipt: " + pairs(
        stage=receipt.stage, state=receipt.state, documents=seen, seconds=receipt.seconds, reason=receipt.reason
    )


def many(
    console: Console, schema: str | None, chosen: Selection, *, every: bool, limit: int | None, dry_run: bool
) -> int:
    """Retry what a filter leaves; the exit code."""
    seen_by_workers(console, "a retry")
    named = console.named(schema)
    done = bulk_retry(
        console.runtime, named, chosen, all=every, limit=limit, dry_run=dry_run, progress=console.progress
    )
    console.progressed()
    code = told(console, "retry", done, "retried")
    if done.done:
        note_broker(console)
    return code


def note_broker(console: Console) -> None:
    """Say where the broker is unreachable: the work is committed all the same, and a worker's relay finds it."""
    app = console.search.celery_app
    away = reach(app, console.runtime.options) if app is not None else None
    if away is not None:
        console.note(f"{away}: the work stays pending in the ledger, and runs once broker and workers are back")
