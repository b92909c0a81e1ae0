"""`status`: what is pending, running and failed, and who is there to work on it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from ..convergence.destinations import Elsewhere
from ..declaration.schema import Schema
from ..operator.attention import MAX_AGE, Check, Code, Health, judge, remedy_elsewhere
from ..operator.broker import Broker
from ..operator.engine_health import EngineHealth
from ..operator.index_counts import EngineCounts, QueueCounts
from ..operator.serialization import as_json
from ..operator.status import IndexStatus, KnownWorker, Status
from ..operator.status import status as look
from ..rebuild.report import restoring
from .app_command import looking
from .broker import look as look_at_broker
from .completion import schema_argument
from .console import DIFFERENT, FINE, NOT_DONE, PROGRAM, Console
from .pause import pause_lines
from .rebuilding import rebuild_line
from .seconds import Seconds
from .text import pairs
from .time_limit import rest

if TYPE_CHECKING:
    from celery import Celery

    from ..config import Options

TIMEOUT = 10.0
"""Seconds within which a look ends where --timeout says nothing else."""
CODES = {Health.HEALTHY: FINE, Health.ATTENTION: DIFFERENT, Health.UNKNOWN: NOT_DONE}
"""The exit code of `status --check`."""


@click.command(epilog="Example: scrypath-celery -A shop status Post --check --max-age 120")
@schema_argument
@click.option(
    "--check", is_flag=True, help="Judge it: a line for each reason, exit code 0 healthy, 2 attention, 1 unknown."
)
@click.option(
    "--max-age",
    type=Seconds(),
    default=MAX_AGE,
    show_default=True,
    metavar="SECONDS",
    help="With --check: how long due work, or a task of the engine, may wait.",
)
@click.option(
    "--ignore",
    type=click.Choice([code.value for code in Code]),
    multiple=True,
    metavar="CODE",
    help="With --check: a reason that does not count.",
)
@click.option(
    "--watch",
    type=Seconds(min_open=True),
    is_flag=False,
    flag_value=5.0,
    metavar="[SECONDS]",
    help="Look again every so many seconds (5), until Ctrl-C.",
)
@looking(TIMEOUT)
def status(
    console: Console, schema: str | None, check: bool, max_age: float, ignore: Sequence[str], watch: float | None
) -> int:
    """Show where each index stands, the engine, the broker's queue, and which workers answer.

    SCHEMA is a class name or a dotted path; all are shown without it. Parts that do not answer are `unknown`: the
    ledger, the engine and the broker are asked beside each other, and what answered within --timeout is shown.
    """
    show = partial(shown, schemas=console.schemas(schema), check=check, max_age=max_age, ignore=ignore)
    return show(console) if watch is None else repeated(console, show, watch)


def repeated(console: Console, show: Callable[[Console], int], seconds: float) -> int:
    """Look again and again until Ctrl-C; the exit code of the last look."""
    code = FINE
    try:
        while True:
            if not console.as_json and sys.stdout.isatty():
                click.clear()
            code = show(replace(console, began=time.monotonic()))
            rest(seconds)
    except KeyboardInterrupt:
        return code


def shown(console: Console, *, schemas: Sequence[Schema], check: bool, max_age: float, ignore: Sequence[str]) -> int:
    """Look once, and print it; the exit code."""
    app, runtime = console.search.celery_app, console.impatient
    broker = broker_look(app, runtime.options)
    found = look(runtime, schemas, broker=broker, seconds=console.seconds)
    body = {**as_json(found), "unknown": list(found.unknown)}
    if check:
        judged = judge(found, max_age=max_age, ignore=ignore, program=console.program, worker=console.worker)
        console.answer("status", {**body, "check": as_json(judged)})
        for line in check_lines(judged):
            console.say(line)
        return CODES[judged.health]
    console.answer("status", body)
    for one in found.indexes:
        for line in index_lines(one):
            console.say(line)
    for line in tail_lines(found):
        console.say(line)
    return NOT_DONE if found.unknown else FINE


def broker_look(app: Celery | None, options: Options) -> Callable[[], Broker] | None:
    """How to look at the broker and the workers; what that loads is loaded now, so that it costs none of its time."""
    if app is None:
        return None
    from ..worker import publisher  # noqa: F401

    app.connection_for_write().get_transport_cls()
    return partial(look_at_broker, app, options)


def check_lines(judged: Check) -> list[str]:
    """One line a reason, then one a part that could not be looked at."""
    lines = [
        f"{Health.ATTENTION} {pairs(code=one.code, schema=one.schema)}: {one.text}; do: {one.remedy}"
        for one in judged.reasons
    ]
    lines += [f"{Health.UNKNOWN}: {reason}" for reason in judged.unknown]
    return lines or [str(Health.HEALTHY)]


def index_lines(one: IndexStatus) -> list[str]:
    """The lines of one index."""
    lines = [
        pairs(schema=one.schema, index=one.index, mode=one.mode),
        f"  engine: {engine_text(one.engine)}",
        f"  queue: {queue_text(one.queue)}",
    ]
    lines.append(f"  contract: {one.contract}")
    if one.verified is not None:
        lines.append(f"  verified: {pairs(at=one.verified.at, **one.verified.counts)}")
    if one.scheduled is not None and one.scheduled.count:
        lines.append(f"  scheduled: {pairs(count=one.scheduled.count, next=one.scheduled.next_at)}")
    if one.triggers:
        told = " ".join(f"{table.table}={table.told}" for table in one.triggers)
        lines.append(f"  triggers: {told}")
    lines += pause_lines(one.pause, one.pause_by_hand)
    if one.rebuild is not None:
        lines.append(f"  rebuild: {rebuild_line(one.rebuild)}")
    for stuck in one.hanging:
        told = pairs(work=stuck.work_id, document=stuck.document_id, seconds=round(stuck.seconds), worker=stuck.worker)
        lines.append(f"  hanging: {told}")
    if one.engine_lost_since is not None:
        since, goes_on = pairs(since=one.engine_lost_since), restoring(one.rebuild, one.engine_lost_since)
        do = f"reindex {one.schema}" if goes_on is None else f"the {goes_on} under way brings back what is lost"
        lines.append(f"  warning: the engine was restored, emptied or replaced ({since}): {do}")
    return lines


def engine_text(counts: EngineCounts) -> str:
    """Tasks of the engine, or why they are unknown."""
    if counts.unknown is not None:
        return f"unknown ({counts.unknown})"
    return pairs(pending=counts.pending, failed=counts.failed, last_succeeded=counts.last_succeeded)


def queue_text(counts: QueueCounts) -> str:
    """Works of the ledger, or why they are unknown."""
    if counts.unknown is not None:
        return f"unknown ({counts.unknown})"
    return pairs(
        pending=counts.pending,
        running=counts.running,
        submitted=counts.submitted,
        retrying=counts.retrying,
        failed=counts.failed,
        last_succeeded=counts.last_succeeded,
        oldest_due_age=counts.oldest_due_age,
    )


def health_text(found: EngineHealth) -> str:
    """The engine as a whole, or why it is unknown; what it does not tell is left out."""
    if found.unknown is not None and found.version is None:
        return f"unknown ({found.unknown})"
    told = {
        "version": found.version or "unknown",
        "tested": found.tested,
        "backlog": found.backlog,
        "oldest_age": found.oldest_age,
        "unmoved": found.unmoved,
        "disk_bytes": found.disk_bytes,
        "disk_used_bytes": found.disk_used_bytes,
        "task_database_fill": None if found.task_database_fill is None else f"{found.task_database_fill:.2f}",
    }
    return pairs(**{name: value for name, value in told.items() if value is not None})


def tail_lines(found: Status) -> list[str]:
    """The lines of the broker and the workers, and what is wrong between them and the ledger."""
    lines = [
        f"undeclared index {uid}: {count} open works, and no schema here" for uid, count in found.undeclared.items()
    ]
    lines.append(f"engine: {health_text(found.engine)}")
    if found.publishing is not None:
        lines.append(f"warning: works could not be published: {found.publishing}")
    lines += [f"warning: {elsewhere_text(one)}" for one in found.elsewhere]
    if found.broker is None:
        return lines
    lines += broker_lines(found.broker)
    lines += [f"  {one.name}: {known_text(one)}" for one in found.workers if one.answers is not True]
    for one in found.indexes:
        if one.known_to_workers is False and one.queue.open:
            lines.append(
                f"warning: {one.schema} has {one.queue.open} open works, and no worker that answered declares it"
            )
    return lines


def elsewhere_text(one: Elsewhere) -> str:
    """Processes that send the same indexes elsewhere, and what to do."""
    return f"sent to two places: {one.text}; do: {remedy_elsewhere(one, f'`{PROGRAM}')}`"


def known_text(one: KnownWorker) -> str:
    """A worker that the ledger knows and that did not answer, or could not be asked."""
    return f"{'silent' if one.answers is False else 'not asked'} {pairs(seen_ago=one.seen_ago, claims=one.claims)}"


def broker_lines(broker: Broker) -> list[str]:
    """The broker's queue and the workers that answered."""
    if broker.unknown is not None and broker.depth is None:
        return [f"broker: unknown ({broker.unknown})", "workers: unknown"]
    lines = [f"broker: {pairs(queue=broker.queue, depth=broker.depth, url=broker.url)}"]
    if broker.bulk_queue is not None:
        lines.append(f"broker: {pairs(bulk_queue=broker.bulk_queue, depth=broker.bulk_depth)}")
    if broker.workers is None:
        return [*lines, f"workers: unknown ({broker.unknown})"]
    lines.append(f"workers: {len(broker.workers)} answered")
    for worker in broker.workers:
        queues, declares = ",".join(worker.queues) or None, ",".join(worker.declares) or None
        lines.append(f"  {worker.name}: {pairs(queues=queues, declares=declares)}")
    if broker.consumed is False:
        lines.append(f"warning: no worker that answered consumes the queue {broker.queue}")
    if broker.bulk_consumed is False:
        lines.append(
            f"warning: no worker that answered consumes the queue {broker.bulk_queue}: backfills and rebuilds wait"
        )
    return lines
