"""`reconcile`: the report of what differs and what to do; and, on request alone, doing it."""

from __future__ import annotations

import click

from ..operator.probe import with_timeouts
from ..operator.recommendations import Signal
from ..operator.reconcile import IndexReport, Report
from ..operator.reconcile import reconcile as look
from ..operator.serialization import as_json
from .app_command import operating
from .backfill import backfilled
from .broker import look as look_at_broker
from .console import DIFFERENT, FINE, NOT_DONE, Console
from .failed import class_line
from .rebuilding import rebuild_line
from .reindex import reindexed
from .retry import one as retry_one
from .status import TIMEOUTS, broker_lines, engine_text, pause_text, queue_text
from .text import pairs

ACTIONS = ("retry", "backfill", "reindex")


@click.command(epilog="Example: scrypath-celery -A shop reconcile Post --action reindex")
@click.argument("schema", required=False)
@click.option("--action", type=click.Choice(ACTIONS), help="Do this instead of reporting.")
@click.option("--id", "id", type=int, help="With --action retry: the work's id.")
@click.option(
    "--cutover/--no-cutover", default=True, show_default=True, help="With --action reindex: swap once it is filled."
)
@click.option("--detach", is_flag=True, help="With backfill and reindex: leave it to the workers, return at once.")
@click.option("--dry-run", is_flag=True, help="With backfill and reindex: say what would be done.")
@operating
def reconcile(
    console: Console,
    schema: str | None,
    action: str | None,
    id: int | None,
    cutover: bool,
    detach: bool,
    dry_run: bool,
) -> int:
    """Report what differs between database and index, and what to do about it.

    Without --action nothing is changed. Exit code 2 where failed work or a confirmed mismatch is found, 1 where a
    part could not be read.
    """
    if (action == "retry") != (id is not None):
        raise click.UsageError("--action retry and --id belong together")
    if action is None:
        return report(console, schema)
    if action == "retry":
        assert id is not None
        return retry_one(console, id, schema)
    if action == "backfill":
        return backfilled(console, schema, detach=detach, dry_run=dry_run)
    return reindexed(console, schema, cutover=cutover, detach=detach, dry_run=dry_run)


def report(console: Console, schema: str | None) -> int:
    """Print the report; the exit code."""
    found = look(with_timeouts(console.runtime, **TIMEOUTS), console.schemas(schema), program=console.program)
    waiting = any(Signal.PENDING_QUEUE_WORK in one.signals for one in found.indexes)
    app = console.search.celery_app
    if waiting and app is not None:  # then it matters whether anybody is there to take it
        found = Report(indexes=found.indexes, broker=look_at_broker(app, console.runtime.options))
    console.answer("reconcile", {**as_json(found), "unknown": list(found.unknown), "differs": found.differs})
    for one in found.indexes:
        for line in index_lines(one):
            console.say(line)
    for line in broker_lines(found.broker) if found.broker is not None else ():
        console.say(line)
    if found.unknown:
        return NOT_DONE
    return DIFFERENT if found.differs else FINE


def index_lines(one: IndexReport) -> list[str]:
    """The lines of one index."""
    lines = [
        pairs(schema=one.schema, index=one.index, mode=one.mode),
        f"  signals: {signals_text(one)}",
        f"  engine: {engine_text(one.engine)}",
        f"  queue: {queue_text(one.queue)}",
        f"  documents: {documents_text(one)}",
    ]
    if one.pause is not None:
        lines.append(f"  pause: {pause_text(one.pause)}")
    if one.rebuild is not None:
        lines.append(f"  rebuild: {rebuild_line(one.rebuild)}")
    if one.failed_by_class:
        lines += ["  Failed work by class:", *(f"  {class_line(group)}" for group in one.failed_by_class)]
    if one.actions:
        lines.append("  Recommended actions:")
    for action in one.actions:
        lines += [f"    {action.name}: {action.why}", f"      {action.command}"]
    return lines


def signals_text(one: IndexReport) -> str:
    """The signals; where a part is unknown, there may be more."""
    unknown = any(part.unknown for part in (one.engine, one.queue, one.documents))
    return (", ".join(one.signals) or "none") + (" (of what could be read)" if unknown else "")


def documents_text(one: IndexReport) -> str:
    """Counts on both sides and the verdict."""
    counts = one.documents
    shown = {
        "database": counts.database if counts.database is not None else "unknown",
        "index": counts.index if counts.index is not None else "unknown",
        "count_mismatch": counts.mismatch.value,
    }
    return pairs(**shown) + (f" ({counts.why})" if counts.why is not None else "")
