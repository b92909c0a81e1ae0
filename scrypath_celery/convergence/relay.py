"""The relay: finds unclaimed work and gives it to Celery again, polls, watches, prunes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from ..declaration.generation import FIRST
from ..errors import EngineError, LedgerUnavailable
from ..ledger import awaited, maintenance, unresolved, workers, works
from ..logs import log
from ..runtime import Runtime, is_dead
from ..work import Cause, EngineTask, Operation, cause_of
from .destinations import own
from .poll import poll
from .proof import check_or_leave

MESSAGE = 500
"""The most works that one message names."""
PAGES = 10
"""Pages of the engine's list of tasks (1,000 each) that one pass watches."""


PRUNING = 2.0
"""How long (seconds) one pass forgets chunks of settled works."""


@dataclass(kw_only=True)
class Relayed:
    """What one pass of the relay did.

    `lost` counts engines found restored or replaced, `errors` names the steps that failed, with the class of the error.
    """

    published: int = 0
    lost: int = 0
    freed: int = 0
    polled: int = 0
    requeued: int = 0
    pruned: int = 0
    errors: dict[str, str] = field(default_factory=dict)


def relay(runtime: Runtime, *, force: bool = False) -> Relayed | None:
    """Make one pass, where the last pass in the ledger is older than the period; None where it is not.

    Each step fails by itself: what is wrong with one row, or one part, holds up nothing else.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    options, ledger = runtime.options, runtime.ledger
    ledger.identity()
    period = 0.0 if force else options.relay_period
    clock = None if options.generation == FIRST else min((schema.uid for schema in runtime.schemas), default=None)

    def begin(connection: Connection) -> bool:
        if runtime.node:
            workers.note(connection, runtime.node, own(runtime))
        return maintenance.begin_pass(connection, period, clock)

    if not ledger.run(begin) and not force:
        return None
    done = Relayed()
    steps: dict[str, Callable[[Runtime], int]] = {
        "freed": free,
        "lost": check_or_leave,
        "polled": poll,
        "requeued": watch,
        "published": publish,
        "pruned": prune,
    }
    for name, step in steps.items():
        try:
            setattr(done, name, step(runtime))
        except LedgerUnavailable:
            raise  # all other steps would wait for it, too
        except Exception as exc:  # noqa: BLE001 - what one step meets must not hold up the others
            log("relay_step_failed", step=name, error=type(exc).__name__, trace=exc)
            done.errors[name] = type(exc).__name__
    log("relay_passed", done={name: count for name, count in vars(done).items() if count})
    return done


def prune(runtime: Runtime) -> int:
    """Forget settled works that are old enough, in chunks, for a bounded time; how many rows.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    options, end, removed = runtime.options, time.monotonic() + PRUNING, 0
    chunk = partial(
        maintenance.prune,
        keep_succeeded=options.keep_succeeded,
        keep_cancelled=options.keep_cancelled,
        rebuild_expires=options.rebuild_expires,
    )
    while time.monotonic() < end:
        found = runtime.ledger.run(chunk)
        removed += found
        if not found:
            break
    return removed


def free(runtime: Runtime) -> int:
    """Give back the works of claims whose lease is over, and of processes of this host that died; how many claims.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    options = runtime.options
    release = partial(maintenance.free, max_claims=options.max_claims, watch=options.watch_seconds, is_dead=is_dead)
    return runtime.ledger.run(release)


def publish(runtime: Runtime) -> int:
    """Give ready works that nobody published lately to Celery; how many."""
    options = runtime.options
    due = partial(maintenance.due, again=3 * options.publish_grace, generation=options.generation)
    found = runtime.ledger.run(due)
    for uid, rows in found.items():
        for cause, alike in _by_cause(rows).items():
            for start in range(0, len(alike), MESSAGE):
                chunk = alike[start : start + MESSAGE]
                documents = sum(row.documents for row in chunk)
                runtime.publish(uid, tuple(row.id for row in chunk), cause=cause, documents=documents)
    return sum(map(len, found.values()))


def _by_cause(rows: Sequence[Row[Any]]) -> dict[Cause, list[Row[Any]]]:
    found: dict[Cause, list[Row[Any]]] = {}
    for row in rows:
        known = row.operation in list(Operation)  # a newer release may write others
        found.setdefault(cause_of(Operation(row.operation)) if known else Cause.SYNC, []).append(row)
    return found


def watch(runtime: Runtime) -> int:
    """Look for unresolved sends in the engine's list of tasks, requeue their documents; the works written."""
    rows = runtime.ledger.run(partial(unresolved.listed, generation=runtime.options.generation))
    if not rows:
        return 0
    landed: set[str] = set()
    try:
        last = runtime.engine.newest_task()
        end = -1 if last is None else last.uid
        # A uid beyond the end is of another engine's list: then all of this one is new.
        newest = min(-1 if row.seen_uid is None or row.seen_uid > end else row.seen_uid for row in rows)
        for _ in range(PAGES):
            tasks = runtime.engine.tasks_after(newest)
            if not tasks:
                break
            landed |= _landed(tasks, rows, end)
            newest = tasks[-1].uid
    except EngineError:
        return 0
    return runtime.ledger.run(partial(_watched, rows=rows, landed=landed, newest=newest))


def _landed(tasks: list[EngineTask], rows: list[Row[Any]], end: int) -> set[str]:
    """The tokens of claims of which a request landed that had no answer, after they were last looked for.

    One that had an answer was registered while the claim was held, so before whatever its successors send.
    """
    watched = {row.token: row for row in rows}
    found = set()
    for task in tasks:
        row = watched.get((task.metadata or "").removeprefix("scrypath:").partition(":")[0])
        if row is None:
            continue
        seen = -1 if row.seen_uid is None or row.seen_uid > end else row.seen_uid
        if task.uid > seen and task.uid not in row.engine_uids:
            found.add(row.token)
    return found


def _watched(connection: Connection, *, rows: list[Row[Any]], landed: set[str], newest: int) -> int:
    """Requeue what landed, and note for all of them how far was looked; of two passes at once one requeues."""
    written = 0
    for row in rows:
        if row.token in landed and unresolved.seen(connection, [row.token], newest):
            # A work that was claimed without settling is read again, or is a dead letter: another would bring
            # what hangs or kills its process back for ever.
            ids = unresolved.ids_of(connection, row.token)
            waiting = awaited.document_ids(connection, row.index_uid, ids)
            written += len(works.requeue(connection, row.index_uid, [id for id in ids if id not in waiting]))
    unresolved.seen(connection, [row.token for row in rows if row.token not in landed], newest)
    return written
