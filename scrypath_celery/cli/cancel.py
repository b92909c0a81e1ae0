"""`cancel`: give up one work that no process holds."""

from __future__ import annotations

import click

from ..operator.retry import cancel as cancel_one
from ..operator.serialization import as_json
from .app_command import operating
from .console import FINE, Console


@click.command(epilog="Example: scrypath-celery -A shop cancel --id 601")
@click.argument("schema", required=False)
@click.option("--id", "id", type=int, required=True, help="The work's id.")
@operating
def cancel(console: Console, schema: str | None, id: int) -> int:
    """Cancel the work of --id: its documents are not re-synced, and may differ from their records."""
    done = cancel_one(console.runtime, id, console.schema(schema) if schema is not None else None)
    console.answer("cancel", as_json(done))
    console.say(f"Cancelled work {id} (it was {done.before})")
    return FINE
