"""`backfill`: re-sync the records of a live index, all or some."""

from __future__ import annotations

import click

from ..operator.serialization import as_json
from ..rebuild.rebuild import backfill as run
from ..rebuild.rebuild import planned
from .app_command import operating
from .completion import schema_argument
from .console import FINE, NOT_DONE, Console
from .given import GIVEN, parts_of
from .progress import Meter
from .rebuilding import how, pairs_of
from .text import pairs
from .verify import kept_text


@click.command(epilog="Example: scrypath-celery -A shop backfill Post --since updated_at=2026-11-01")
@schema_argument
@click.option("--ids", type=GIVEN, metavar="ID,ID", callback=parts_of, help="These documents alone.")
@click.option(
    "--where",
    type=GIVEN,
    metavar="FIELD=VALUE",
    multiple=True,
    callback=pairs_of,
    help="Records with this value alone.",
)
@click.option(
    "--since",
    type=GIVEN,
    metavar="FIELD=VALUE",
    multiple=True,
    callback=pairs_of,
    help="Records with at least this value alone.",
)
@click.option("--detach", is_flag=True, help="Leave it to the workers and return at once.")
@click.option("--allow-mass-delete", is_flag=True, help="Delete documents without a record beyond the cap too.")
@click.option("--dry-run", is_flag=True, help="Say what would be read, and change nothing.")
@operating
def backfill(
    console: Console,
    schema: str | None,
    ids: list[str] | None,
    where: dict[str, str],
    since: dict[str, str],
    detach: bool,
    allow_mass_delete: bool,
    dry_run: bool,
) -> int:
    """Re-sync every record of a live index, and remove documents without a record.

    With --ids, --where or --since only those records are re-synced, and documents without a record stay. Ctrl-C
    leaves it running where workers run it; the same command goes on elsewhere.
    """
    if ids is not None and (where or since):
        raise click.UsageError("give either --ids, or --where and --since")
    return backfilled(
        console,
        schema,
        ids=ids,
        where=where,
        since=since,
        detach=detach,
        dry_run=dry_run,
        allow_mass_delete=allow_mass_delete,
    )


def backfilled(
    console: Console,
    name: str | None,
    *,
    ids: list[str] | None = None,
    where: dict[str, str] | None = None,
    since: dict[str, str] | None = None,
    detach: bool = False,
    dry_run: bool = False,
    allow_mass_delete: bool = False,
) -> int:
    """Run a backfill; the exit code."""
    schema, meter = console.schema(name), Meter()
    if dry_run:
        plan = planned(console.runtime, schema, ids=ids, where=where, since=since)
        console.answer("backfill", {"dry_run": True, **plan})
        console.say(f"Would backfill {console.runtime.uid_of(schema)} (nothing was changed)")
        console.say(pairs(**plan))
        return FINE
    how_ = how(console, "a backfill", detach=detach, meter=meter)
    try:
        done = run(
            console.runtime, schema, how_, ids=ids, where=where, since=since, allow_mass_delete=allow_mass_delete
        )
    finally:
        meter.end()
    console.answer("backfill", as_json(done))
    if not done.over:
        console.say(f"Backfill {done.id} of {done.index} is left to the workers; to see how far it is:")
        console.say(f"  {console.program} status {schema.name}")
        return FINE
    console.say(f"Backfilled {done.index}")
    console.say(pairs(id=done.id, documents=done.documents, orphans=done.orphans, failed=done.failed))
    if done.part:
        console.say("Only a part was chosen: documents without a record were left alone.")
    if done.kept_orphans:
        console.note(kept_text(done.kept_orphans))
    return NOT_DONE if done.failed or done.kept_orphans else FINE
