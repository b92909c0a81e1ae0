"""`reconcile`: the report of what differs and what to do; and, on request alone, doing it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import click

from ..operator.broker import Broker
from ..operator.probe import Look
from ..operator.recommendations import Signal
from ..operator.reconcile import IndexReport, Report
from ..operator.reconcile import reconcile as look
from ..operator.serialization import as_json
from .app_command import operating
from .backfill import backfilled
from .broker import look as look_at_broker
from .completion import schema_argument
from .console import DIFFERENT, FINE, NOT_DONE, Console
from .failed import class_line
from .given import GIVEN
from .ids import work_id
from .index import drift_lines
from .pause import pause_lines
from .rebuilding import rebuild_line
from .reindex import reindexed
from .retry import one as retry_one
from .status import broker_lines, engine_text, queue_text
from .text import pairs
from .verify import repair, verified_json, verified_lines

TIMEOUT = 60.0
"""Seconds within which a report ends where --timeout says nothing else; actions and --verify take their time."""
ACTIONS = ("retry", "backfill", "reindex", "repair")


@click.command(epilog="Example: scrypath-celery -A shop reconcile Post --action reindex")
@schema_argument
@click.option("--action", type=click.Choice(ACTIONS), help="Do this instead of reporting.")
@click.option("--id", "id", type=GIVEN, metavar="ID", callback=work_id, help="With --action retry: the work's id.")
@click.option(
    "--cutover/--no-cutover", default=True, show_default=True, help="With --action reindex: swap once it is filled."
)
@click.option("--detach", is_flag=True, help="With backfill and reindex: leave it to the workers, return at once.")
@click.option("--dry-run", is_flag=True, help="With any action but retry: say what would be done.")
@click.option("--include-contract-drift", is_flag=True, help="Attach what differs between index and schema.")
@click.option("--verify", "verifying", is_flag=True, help="Compare document by document too.")
@click.option("--allow-mass-delete", is_flag=True, help="Delete documents without a record beyond the cap too.")
@operating
def reconcile(
    console: Console,
    schema: str | None,
    action: str | None,
    id: int | None,
    cutover: bool,
    detach: bool,
    dry_run: bool,
    include_contract_drift: bool,
    verifying: bool,
    allow_mass_delete: bool,
) -> int:
    """Report what differs between database and index, and what to do about it.

    Without --action nothing is changed. Exit code 2 where a problem is confirmed (a difference, failed or
    hanging work, a pause), 1 where a part could not be read.
    """
    if (action == "retry") != (id is not None):
        raise click.UsageError("--action retry and --id belong together")
    if dry_run and action in (None, "retry"):
        raise click.UsageError("--dry-run belongs to --action backfill, reindex or repair")
    if allow_mass_delete and action not in ("repair", "backfill"):
        raise click.UsageError("--allow-mass-delete belongs to --action repair or backfill")
    if action is None:
        return report(console, schema, contract=include_contract_drift, verifying=verifying)
    if action == "repair":
        return repair(console, schema, dry_run=dry_run, allow_mass_delete=allow_mass_delete)
    if action == "retry":
        assert id is not None
        return retry_one(console, id, schema)
    if action == "backfill":
        return backfilled(console, schema, detach=detach, dry_run=dry_run, allow_mass_delete=allow_mass_delete)
    return reindexed(console, schema, cutover=cutover, detach=detach, dry_run=dry_run)


def report(console: Console, schema: str | None, *, contract: bool = False, verifying: bool = False) -> int:
    """Print the report; the exit code."""
    console = replace(console, timeout=console.timeout or TIMEOUT)
    runtime, schemas, seconds = console.impatient, console.schemas(schema), (console.seconds or TIMEOUT) / 2
    found = look(runtime, schemas, program=console.program, seconds=seconds, contract=contract)
    waiting = any(Signal.PENDING_QUEUE_WORK in one.signals for one in found.indexes)
    app = console.search.celery_app
    if waiting and app is not None:  # then it matters whether anybody is there to take it
        try:
            broker = Look(partial(look_at_broker, app, runtime.options)).answer(console.seconds or TIMEOUT)
        except TimeoutError:
            broker = Broker(url="", queue=runtime.options.queue, unknown="the broker did not answer in time")
        found = Report(indexes=found.indexes, broker=broker)
    verified = [console.search.verify(one, progress=console.progress) for one in schemas] if verifying else []
    if verifying:
        console.progressed()
    differs = found.differs or any(one.differs for one in verified)
    body = {**as_json(found), "unknown": list(found.unknown), "differs": differs}
    console.answer("reconcile", {**body, "verified": list(map(verified_json, verified))} if verifying else body)
    for one in found.indexes:
        for line in index_lines(one):
            console.say(line)
    for line in (line for one in verified for line in verified_lines(one)):
        console.say(line)
    for line in broker_lines(found.broker) if found.broker is not None else ():
        console.say(line)
    if found.unknown or any(one.undecided for one in verified):
        return NOT_DONE
    return DIFFERENT if differs else FINE


def index_lines(one: IndexReport) -> list[str]:
    """The lines of one index."""
    lines = [
        pairs(schema=one.schema, index=one.index, mode=one.mode),
        f"  signals: {signals_text(one)}",
        f"  engine: {engine_text(one.engine)}",
        f"  queue: {queue_text(one.queue)}",
        f"  documents: {documents_text(one)}",
    ]
    lines += [f"  hot-applied: {pairs(at=hot.at, by=hot.by, keys=','.join(hot.keys))}" for hot in one.hot_applied]
    if one.contract is not None:
        lines += drift_lines(one.contract, "  ")
    lines += pause_lines(one.pause, one.pause_by_hand)
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
