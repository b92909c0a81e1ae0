"""Convergence of one claim: read now, send, check, await, settle.

Written as a generator so that every point between two writes has a name: the driver runs it through, tests stop,
kill or delay it anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping

from .. import tracing
from ..engine.reasons import is_lasting, request_failure
from ..errors import EngineError
from ..ledger import claims
from ..work import EngineTask
from .bisection import Bisection
from .checkpoints import Await, Step, Steps, Tasks
from .claim_run import ClaimRun, Lost, Send, Stopped
from .isolation import isolate, judge, succeeded
from .outcomes import NOT_KNOWN, Outcome
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
    run.outcome.claimed = [item.id for item in run.claim.works]
    yield from prepare(run)
    groups = run.claim.trials
    if groups:
        yield from isolate(run, Bisection(groups))
        check(run)
        yield Step.CHECKED
    else:
        yield from _send_and_judge(run)
    with tracing.span("settle", works=len(run.claim.works)):
        settle(run)
    yield Step.SETTLED


def _send_and_judge(run: ClaimRun) -> Steps:
    yield from send_all(run, run.claim.ids)
    check(run)
    yield Step.CHECKED
    tasks: Tasks = {}
    if run.sends:  # the lease was renewed right after the last of them
        tasks = witness(run, (yield Await(uids=asked(run), last=True)))
    if tasks is None:
        _ask_why(run)
        run.open = list(run.sends)
        return
    failed, passed = _sort(run, tasks)
    before = len(run.sends)
    yield from judge(run, failed, passed=passed)
    if len(run.sends) > before:
        check(run)
        yield Step.CHECKED


def _ask_why(run: ClaimRun) -> None:
    """Ask for a task that nobody could tell of: works must not wait for a verdict that the engine never shows.

    Raises:
        Stopped: the engine refuses to show it.
    """
    try:
        run.runtime.engine.tasks([run.sends[0].uid])
    except EngineError as exc:
        if is_lasting(exc):
            raise Stopped(request_failure(exc)) from exc


def check(run: ClaimRun) -> None:
    """Requeue the ids that claims with a higher number share with ours: we may have sent the older version last."""
    if not run.to_target:
        shared = run.runtime.ledger.run(lambda tx: claims.newer_ids(tx, run.claim))
        run.requeue(id for id in run.claim.ids if id in shared and id in run.requested)


def _report(run: ClaimRun) -> Steps:
    """The claim was taken over: what we sent may be older than what the successor sends, so requeue it."""
    run.outcome.lost = True
    run.requeue(id for id in run.claim.ids if id in run.requested)
    yield Step.REPORTED


def _sort(run: ClaimRun, tasks: Mapping[int, EngineTask]) -> tuple[list[tuple[Send, EngineTask]], bool]:
    """The sends whose tasks failed, and whether any succeeded. Those that are not over are noted as open.

    One that the engine does not know, or that is another's (a restored engine gave its uid again), is unknown.
    """
    failed, passed = [], False
    for send in run.sends:
        task = tasks.get(send.uid)
        if task is None or task.metadata != send.token:
            run.documents.note(send.ids, Outcome.UNKNOWN, NOT_KNOWN)
        elif not task.terminal:
            run.open.append(send)
        elif succeeded(send, task):
            passed = True
        else:
            failed.append((send, task))
    return failed, passed
