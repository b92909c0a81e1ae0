"""`status`: what is pending, running and failed, and who is there to work on it."""

from __future__ import annotations

import click

from ..operator.broker import Broker
from ..operator.index_counts import EngineCounts, QueueCounts
from ..operator.probe import with_timeouts
from ..operator.serialization import as_json
from ..operator.status import IndexStatus, Paused, Status
from ..operator.status import status as look
from .app_command import operating
from .broker import look as look_at_broker
from .console import FINE, NOT_DONE, Console
from .rebuilding import rebuild_line
from .text import pairs

TIMEOUTS = {"connect": 3.0, "answer": 10.0}
"""How long (seconds) the engine may take to connect and to answer while somebody looks."""


@click.command(epilog="Example: scrypath-celery -A shop status Post")
@click.argument("schema", required=False)
@operating
def status(console: Console, schema: str | None) -> int:
    """Show where each index stands, the broker's queue, and which workers answer.

    SCHEMA is a class name or a dotted path; all are shown without it. Parts that do not answer are `unknown`.
    """
    schemas = console.schemas(schema)
    app = console.search.celery_app
    broker = look_at_broker(app, console.runtime.options) if app is not None else None
    found = look(with_timeouts(console.runtime, **TIMEOUTS), schemas, broker=broker)
    console.answer("status", {**as_json(found), "unknown": list(found.unknown)})
    for one in found.indexes:
        for line in index_lines(one):
            console.say(line)
    for line in tail_lines(found):
        console.say(line)
    return NOT_DONE if found.unknown else FINE


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
    if one.pause is not None:
        lines.append(f"  pause: {pause_text(one.pause)}")
    if one.rebuild is not None:
        lines.append(f"  rebuild: {rebuild_line(one.rebuild)}")
    for stuck in one.hanging:
        told = pairs(work=stuck.work_id, document=stuck.document_id, seconds=round(stuck.seconds), worker=stuck.worker)
        lines.append(f"  hanging: {told}")
    if one.engine_lost_since is not None:
        since = pairs(since=one.engine_lost_since)
        lines.append(f"  warning: the engine was restored, emptied or replaced ({since}): reindex {one.schema}")
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
        oldest_pending_age=counts.oldest_pending_age,
    )


def pause_text(pause: Paused) -> str:
    """Why nothing of an index is tried, and until when."""
    return pairs(reason_class=pause.reason_class, since=pause.since, next_probe=pause.next_probe, reason=pause.reason)


def tail_lines(found: Status) -> list[str]:
    """The lines of the broker and the workers, and what is wrong between them and the ledger."""
    lines = [
        f"undeclared index {uid}: {count} open works, and no schema here" for uid, count in found.undeclared.items()
    ]
    lines.append(f"engine: {pairs(version=found.engine_version or 'unknown')}")
    if found.publishing is not None:
        lines.append(f"warning: works could not be published: {found.publishing}")
    if found.broker is None:
        return lines
    lines += broker_lines(found.broker)
    for one in found.indexes:
        if one.known_to_workers is False and one.queue.open:
            lines.append(
                f"warning: {one.schema} has {one.queue.open} open works, and no worker that answered declares it"
            )
    return lines


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
