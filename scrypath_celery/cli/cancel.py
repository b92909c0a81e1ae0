"""`cancel`: give up work that no process holds, by its id, or by a filter with a dry run."""

from __future__ import annotations

from typing import Any

import click

from ..operator.bulk import bulk_cancel
from ..operator.retry import cancel as cancel_one
from ..operator.serialization import as_json
from ..work import State
from .app_command import operating
from .bulk import check_scope, scoped, told
from .completion import schema_argument
from .console import FINE, Console
from .filters import filtered, taken


@click.command(epilog="Example: scrypath-celery -A shop cancel --reason-class validation --dry-run")
@schema_argument
@scoped
@filtered(State.FAILED, State.RETRYING, State.PENDING)
@operating
def cancel(
    console: Console,
    schema: str | None,
    id: int | None,
    every: bool,
    limit: int | None,
    dry_run: bool,
    **parameters: Any,
) -> int:
    """Cancel failed work: the one of --id, or all that a filter leaves.

    Its documents are not re-synced, and may differ from their records. Without --state it is dead letters.
    """
    chosen = taken(parameters)
    check_scope(id, chosen, every=every, limit=limit, dry_run=dry_run)
    named = console.named(schema)
    if id is None:
        done = bulk_cancel(
            console.runtime, named, chosen, all=every, limit=limit, dry_run=dry_run, progress=console.progress
        )
        console.progressed()
        return told(console, "cancel", done, "cancelled")
    one = cancel_one(console.runtime, id, named)
    console.answer("cancel", as_json(one))
    console.say(f"Cancelled work {id} (it was {one.before})")
    return FINE
