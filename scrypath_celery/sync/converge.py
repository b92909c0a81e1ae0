"""Convergence of one claim: read now, send, check, await, settle.

Written as a generator so that every point between two writes has a name: the driver runs it through, tests stop,
kill or delay it anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..ledger import claims
from ..work import EngineTask
from .attempt import Attempt, Lost, Send, Stopped
from .prepare import prepare
from .send import send_all
from .settle import settle, stop
from .step import Await, Step, Steps, Tasks
from .verdict import judge, succeeded


def converge(attempt: Attempt) -> Steps:
    """Make the index say of the claim's documents what the database says of them now.

    Raises:
        LedgerError: the ledger cannot be used; the lease runs out and others go on.
    """
    try:
        yield from _converge(attempt)
    except Lost:
        yield from _report(attempt)
    except Stopped as stopped:
        stop(attempt, stopped.failure)
        yield Step.PAUSED


def _converge(attempt: Attempt) -> Steps:
    attempt.outcome.claims, attempt.outcome.documents = 1, len(attempt.claim.ids)
    yield from prepare(attempt)
    yield from send_all(attempt, attempt.claim.ids)
    check(attempt)
    yield Step.CHECKED
    tasks: Tasks = {}
    if attempt.sends:
        attempt.look()
        tasks = yield Await(uids=frozenset(send.uid for send in attempt.sends), last=True)
    waiting = tasks is None or any(not task.terminal for task in tasks.values())
    if tasks is not None:
        before = len(attempt.sends)
        yield from judge(attempt, _failed(attempt, attempt.sends, tasks))
        if len(attempt.sends) > before:
            check(attempt)
            yield Step.CHECKED
    settle(attempt, submitted=waiting)
    yield Step.SETTLED


def check(attempt: Attempt) -> None:
    """Touch the ids that claims with a higher number share with ours: we may have sent the older version last."""
    if not attempt.to_target:
        shared = attempt.runtime.ledger.run(lambda tx: claims.newer_ids(tx, attempt.claim))
        attempt.touch(id for id in attempt.claim.ids if id in shared and id in attempt.asked)


def _report(attempt: Attempt) -> Steps:
    """The claim was taken over: what we sent may be older than what our successor sends, so make sure again."""
    attempt.outcome.lost = True
    attempt.touch(id for id in attempt.claim.ids if id in attempt.asked)
    yield Step.REPORTED


def _failed(attempt: Attempt, sends: Sequence[Send], tasks: Tasks) -> list[tuple[Send, EngineTask]]:
    """The sends whose tasks did not succeed. One that the engine does not know, or that is another's, is unknown."""
    failed = []
    for send in list(sends):
        task = (tasks or {}).get(send.uid)
        if task is None or task.metadata != send.token:  # forgotten, or a uid that a restored engine gave again
            attempt.unknown.update(send.ids)
        elif task.terminal and not succeeded(send, task):
            failed.append((send, task))
    return failed
