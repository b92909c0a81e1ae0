"""The relay: finds work that unclaimed and gives it to Celery again, polls, watches, prunes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from ..errors import EngineError
from ..ledger import claims, maintenance, works
from ..runtime import Runtime, is_dead
from ..work import EngineTask
from .poll import poll

MESSAGE = 500
"""The most works that one message names."""
PAGES = 10
"""Pages of the engine's list of tasks (1,000 each) that one pass watches."""


@dataclass(kw_only=True)
class Relayed:
    """What one pass of the relay did."""

    published: int = 0
    freed: int = 0
    polled: int = 0
    requeued: int = 0
    pruned: int = 0


def relay(runtime: Runtime, *, force: bool = False) -> Relayed | None:
    """Make one pass, where the last pass in the ledger is older than the period; None where it is not.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    options, ledger = runtime.options, runtime.ledger
    ledger.identity()
    if not ledger.run(partial(maintenance.begin_pass, period=0.0 if force else options.relay_period)) and not force:
        return None
    done = Relayed()
    done.freed = free(runtime)
    done.polled = poll(runtime)
    done.requeued = watch(runtime)
    done.published = publish(runtime)
    prune = partial(maintenance.prune, keep_succeeded=options.keep_succeeded, keep_cancelled=options.keep_cancelled)
    done.pruned = ledger.run(prune)
    return done


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
    found = runtime.ledger.run(partial(maintenance.due, again=3 * runtime.options.publish_grace))
    for uid, ids in found.items():
        for start in range(0, len(ids), MESSAGE):
            runtime.publish(uid, tuple(ids[start : start + MESSAGE]))
    return sum(map(len, found.values()))


def watch(runtime: Runtime) -> int:
    """Look for unresolved sends in the engine's list of tasks, requeue their documents; the works written."""
    rows = runtime.ledger.run(claims.unresolved)
    if not rows:
        return 0
    start = min(row.seen_uid or 0 for row in rows)
    landed: set[str] = set()
    newest = start
    try:
        for _ in range(PAGES):
            tasks = runtime.engine.tasks_after(newest)
            if not tasks:
                break
            landed |= _landed(tasks, rows)
            newest = tasks[-1].uid
    except EngineError:
        return 0
    return runtime.ledger.run(partial(_watched, rows=rows, landed=landed, newest=newest))


def _landed(tasks: list[EngineTask], rows: list[Row[Any]]) -> set[str]:
    """The tokens of claims of which a request landed that had no answer, after they were last looked for.

    One that had an answer was registered while the claim was held, so before whatever its successors send.
    """
    watched = {row.token: row for row in rows}
    found = set()
    for task in tasks:
        row = watched.get((task.metadata or "").removeprefix("scrypath:").partition(":")[0])
        if row is not None and task.uid > (row.seen_uid or 0) and task.uid not in row.engine_uids:
            found.add(row.token)
    return found


def _watched(connection: Connection, *, rows: list[Row[Any]], landed: set[str], newest: int) -> int:
    """Requeue what landed, and note for all of them how far was looked; of two passes at once one requeues."""
    written = 0
    for row in rows:
        if row.token in landed and claims.seen(connection, [row.token], newest):
            # A work that was claimed without settling is read again, or is a dead letter: another would bring
            # what hangs or kills its process back for ever.
            awaited = claims.awaited_ids(connection, row.index_uid)
            written += len(works.requeue(connection, row.index_uid, [id for id in row.ids if id not in awaited]))
    claims.seen(connection, [row.token for row in rows if row.token not in landed], newest)
    return written
