"""This worker: its name, what it has done, and what it has to reply yet. Made before the pool, so that it is shared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..convergence.relay import Relayed, relay
from ..convergence.summary import Summary
from ..errors import LedgerError, ScrypathError
from ..logs import log
from ..runtime import Runtime
from .deferred import Desk
from .tally import Tally

SELDOM = 60.0
"""Seconds between two lines about the same."""
ATTRIBUTE = "scrypath_worker"
"""The attribute of the Celery app of a worker that holds it."""


@dataclass(frozen=True, kw_only=True)
class ThisWorker:
    """The worker whose main process made this; its forked pool processes share the tally."""

    node: str
    tally: Tally = field(default_factory=Tally)
    desk: Desk = field(default_factory=Desk)


def this_worker(app: Any) -> ThisWorker | None:
    """The worker that this process is or belongs to; None in other processes, and in pools that are not forked."""
    found: ThisWorker | None = getattr(app, ATTRIBUTE, None)
    return found


def make_pass(app: Any, runtime: Runtime) -> Relayed | None:
    """A pass of the relay, where one is due, noted in the tally.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    worker = this_worker(app)
    try:
        done = relay(runtime)
    except LedgerError as exc:
        if worker is not None:
            worker.tally.failed(exc.code)
        raise
    if worker is not None and done is not None:
        counts = {name: count for name, count in vars(done).items() if isinstance(count, int)}
        worker.tally.passed(counts, done.errors)
    return done


def tell_seldom(app: Any, exc: ScrypathError) -> None:
    """Log one line about what every pass of the relay meets again, once a minute for all processes of this worker."""
    worker = this_worker(app)
    if worker is None or worker.tally.is_first(exc.code, within=SELDOM):
        log("nothing_synced", error=str(exc), code=exc.code)


def count_task(app: Any, ending: str, outcome: Summary) -> None:
    """Count a task that ends so, and what became of its works."""
    worker = this_worker(app)
    if worker is None:
        return
    names = ("succeeded", "submitted", "retrying", "failed")
    works = {f"works_{name}": len(getattr(outcome, name)) for name in names}
    worker.tally.add(**{f"tasks_{ending}": 1}, **works, claims=outcome.claims, documents=outcome.documents)
