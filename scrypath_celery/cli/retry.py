"""`retry`: give failed work to the workers again, by its id, or by a filter with a dry run."""

from __future__ import annotations

import re

import click

from ..operator.bulk import bulk_retry
from ..operator.retry import retry as retry_one
from ..operator.serialization import as_json
from ..work import Mode, ReasonClass, State
from .app_command import operating, seen_by_workers
from .broker import reach
from .console import FINE, NOT_DONE, Console
from .text import pairs

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(ctx: click.Context, param: click.Parameter, text: str | None) -> float | None:
    """The seconds of a duration such as 90s, 30m, 2h or 7d."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no duration such as 90s, 30m, 2h or 7d", ctx, param)
    return float(found[1]) * UNITS[found[2]]


@click.command(epilog="Example: scrypath-celery -A shop retry --reason-class transport --since 2h --dry-run")
@click.argument("schema", required=False)
@click.option("--id", "id", type=int, help="The work's id, as `failed` shows it.")
@click.option(
    "--reason-class", type=click.Choice([one.value for one in ReasonClass]), help="All dead letters of this class."
)
@click.option(
    "--since",
    metavar="TIME",
    callback=duration,
    help="All dead letters that failed within this time: 90s, 30m, 2h, 7d.",
)
@click.option("--dry-run", is_flag=True, help="With a filter: show what would be retried, and change nothing.")
@operating
def retry(
    console: Console, schema: str | None, id: int | None, reason_class: str | None, since: float | None, dry_run: bool
) -> int:
    """Retry failed work: the one of --id, or all that --reason-class and --since leave.

    What is retried is `pending`: accepted, not yet visible.
    """
    filtered = reason_class is not None or since is not None
    if filtered == (id is not None) or (dry_run and not filtered):
        raise click.UsageError("give either --id, or --reason-class and --since (and with them --dry-run)")
    if id is not None:
        return one(console, id, schema)
    return many(console, schema, ReasonClass(reason_class) if reason_class else None, since, dry_run)


def one(console: Console, id: int, schema: str | None) -> int:
    """Retry one work; the exit code."""
    if Mode(console.runtime.options.sync_mode) is not Mode.INLINE:
        seen_by_workers(console, "a retry")
    done = retry_one(console.runtime, id, console.schema(schema) if schema is not None else None)
    console.answer("retry", as_json(done))
    console.say(f"Retried failed work {id}")
    console.say(pairs(status=done.status, mode=done.mode, reference=done.reference))
    if done.reason is not None:
        console.note(done.reason)
    if done.mode is Mode.CELERY:
        note_broker(console)
    return NOT_DONE if done.status is State.FAILED else FINE


def many(
    console: Console, schema: str | None, reason_class: ReasonClass | None, since: float | None, dry_run: bool
) -> int:
    """Retry what a filter leaves; the exit code."""
    seen_by_workers(console, "a retry")
    chosen = console.schema(schema) if schema is not None else None
    done = bulk_retry(console.runtime, chosen, reason_class=reason_class, since=since, dry_run=dry_run)
    console.answer("retry", as_json(done))
    if dry_run:
        console.say(f"Would retry {len(done.ids)} failed works (nothing was changed)")
        for id in done.ids:
            console.say(pairs(id=id))
        return FINE
    console.say(f"Retried {len(done.retried)} of {len(done.ids)} failed works")
    for why in done.skipped.values():
        console.note(why)
    if done.retried:
        note_broker(console)
    return NOT_DONE if done.skipped else FINE


def note_broker(console: Console) -> None:
    """Say where the broker is unreachable: the work is committed all the same, and a worker's relay finds it."""
    app = console.search.celery_app
    away = reach(app, console.runtime.options) if app is not None else None
    if away is not None:
        console.note(f"{away}: the work stays pending in the ledger, and runs once broker and workers are back")
