"""Running work in the calling process, after its commit: the modes `inline` and `manual`, and draining in tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from ..convergence.executor import run_ready_works
from ..convergence.relay import relay
from ..convergence.summary import Summary
from ..ledger import works
from ..runtime import Runtime
from ..work import Cause, Mode


def run_now(
    runtime: Runtime, uid: str, ids: Sequence[int], mode: Mode, *, connection: Connection | None = None
) -> Summary:
    """Claim and run these committed works here; `manual` returns once the engine accepted them.

    `connection` is the caller's open connection where its outer transaction is never committed (tests).

    Raises:
        LedgerError: the ledger cannot be used; the works are left to a worker.
    """
    bound = on(runtime, connection)
    run = partial(run_ready_works, bound, seconds=bound.options.task_seconds, wait=mode is not Mode.MANUAL)
    total = run(uid, only=ids)
    left = dict(total.elsewhere)
    while left:  # fan-outs that lead on to other indexes; never in a circle
        uid, written = left.popitem()
        found = run(uid, only=written)
        total.add(found)
        for other, more in found.elsewhere.items():
            left.setdefault(other, []).extend(more)
    return total


def on(runtime: Runtime, connection: Connection | None) -> Runtime:
    """The same runtime inside the transaction of `connection`."""
    if connection is None:
        return runtime
    ledger, source = runtime.ledger.on(connection), runtime.source.on(connection)
    return replace(runtime, ledger=ledger, source=source, tell=lambda notices: None)


def drain(runtime: Runtime, *, connection: Connection | None = None, rounds: int = 100) -> Summary:
    """Run all due work in this process until nothing is due; what waits for a later time is left.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    bound = replace(on(runtime, connection), publish=_leave)
    total = Summary()
    for _ in range(rounds):
        relay(bound, force=True)
        before = total.claims
        for uid in bound.ledger.run(works.counts):
            total.add(run_ready_works(bound, uid, seconds=bound.options.task_seconds, follow=True))
        if total.claims == before:
            break
    return total


def _leave(index: str, ids: tuple[int, ...], *, cause: Cause = Cause.SYNC, documents: int | None = None) -> None:
    """Publish nothing: what is due is run here."""
