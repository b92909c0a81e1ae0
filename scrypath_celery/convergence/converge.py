"""Convergence of one claim: read now, send, check, await, settle.

Written as a generator so that every point between two writes has a name: the driver runs it through, tests stop,
kill or delay it anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ledger import claims
from ..work import EngineTask
from .checkpoints import Await, Step, Steps, Tasks
from .claim_run import ClaimRun, Lost, Send, Stopped
from .isolation import judge, succeeded
from .prepare import prepare
from .proof import asked, witness
from .send import send_all
from .settle import settle, stop


def converge(run: ClaimRun) -> Steps:
    """Make the index say of the claim's documents what the database says of them now.

    Raises:
        LedgerError: the ledger cannot be used; the lease runs out and others go on.
    """
    try:
        yield from _converge(run)
    except Lost:
        yield from _report(run)
    except Stopped as stopped:
        stop(run, stopped.failure)
        yield Step.PAUSED


def _converge(run: ClaimRun) -> Steps:
    run.outcome.claims, run.outcome.documents = 1, len(run.claim.ids)
    yield from prepare(run)
    yield from send_all(run, run.claim.ids)
    check(run)
    yield Step.CHECKED
    tasks: Tasks = {}
    if run.sends:
        run.renew_lease()
        tasks = witness(run, (yield Await(uids=asked(run), last=True)))
    waiting = tasks is None or any(not task.terminal for task in tasks.values())
    if tasks is not None:
        before = len(run.sends)
        yield from judge(run, _failed(run, run.sends, tasks))
        if len(run.sends) > before:
            check(run)
            yield Step.CHECKED
    settle(run, submitted=waiting)
    yield Step.SETTLED


def check(run: ClaimRun) -> None:
    """Requeue the ids that claims with a higher number share with ours: we may have sent the older version last."""
    if not run.to_target:
        shared = run.runtime.ledger.run(lambda tx: claims.newer_ids(tx, run.claim))
        run.requeue(id for id in run.claim.ids if id in shared and id in run.asked)


def _report(run: ClaimRun) -> Steps:
    """The claim was taken over: what we sent may be older than what the successor sends, so requeue it."""
    run.outcome.lost = True
    run.requeue(id for id in run.claim.ids if id in run.asked)
    yield Step.REPORTED


def _failed(run: ClaimRun, sends: Sequence[Send], tasks: Tasks) -> list[tuple[Send, EngineTask]]:
    """The sends whose tasks did not succeed. One that the engine does not know, or that is another's, is unknown."""
    failed = []
    for send in list(sends):
        task = (tasks or {}).get(send.uid)
        if task is None or task.metadata != send.token:  # forgotten, or a uid that a restored engine gave again
            run.unknown.update(send.ids)
        elif task.terminal and not succeeded(send, task):
            failed.append((send, task))
    return failed
