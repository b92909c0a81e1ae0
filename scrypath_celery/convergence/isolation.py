"""What a failed engine task proves, and finding the documents to blame.

Meilisearch merges what waits, and with most errors fails every payload of the batch. So a failed task condemns its
documents only if its code is one of the few that concern a task alone, or if it was alone in its batch. Otherwise
its documents are read and sent again between two barriers, so that little but them stands in their batch. What is
not found out in time is left to another claim, in the groups that were found so far.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import replace

from ..engine.reasons import proves_alone, request_failure, task_failure
from ..errors import EngineError
from ..work import EngineTask, Failure, ReasonClass, Scope
from .bisection import Bisection
from .checkpoints import Await, Step, Steps, Tasks
from .claim_run import ClaimRun, Send, Stopped
from .decisions import Action, decide
from .outcomes import NOT_KNOWN, Outcome
from .send import send_all

NO_VERDICT = Failure(
    scope=Scope.PAYLOAD,
    reason_class=ReasonClass.BACKEND_REJECTED,
    reason="no verdict on the payload yet",
    code="no_verdict",
)


def judge(run: ClaimRun, failed: Sequence[tuple[Send, EngineTask]], *, passed: bool) -> Steps:
    """Find out what the failures of these sends prove, sending again what must be tried.

    `passed` says that another send of the claim succeeded, so that not everything fails.
    """
    search = Bisection((), passed=passed)
    for send, task in failed:
        _weigh(run, send, task, search)
    yield Step.JUDGED
    if search.parts:
        yield from isolate(run, search)


def isolate(run: ClaimRun, search: Bisection) -> Steps:
    """Send parts of payloads between barriers until the documents to blame stand alone, or the time is over."""
    end = time.monotonic() + run.runtime.options.task_seconds
    run.barriers = True
    while search.parts and time.monotonic() < end and run.enter_trial():
        began, first = time.monotonic(), len(run.sends)
        for part in search.take():
            yield from send_all(run, part)
        sends = run.sends[first:]
        tasks = yield from _answers(run, sends, end)
        yield Step.JUDGED
        for send in sends:
            _sift(run, send, tasks, search)
        search.took(time.monotonic() - began)
        if search.hopeless:
            raise Stopped(_hopeless(run))
    run.barriers = False
    run.leave_trial()
    for part in search.parts:
        run.documents.note(part, Outcome.DEFERRED, NO_VERDICT, trial=run.next_group())


def succeeded(send: Send, task: EngineTask) -> bool:
    """Whether a task did what its request asked for; deleting from an index that is not there did."""
    missing = task.status == "failed" and (task.error or {}).get("code") == "index_not_found"
    return task.status == "succeeded" or (send.deletion and missing)


def is_proven(run: ClaimRun, task: EngineTask) -> bool:
    """Whether a failed task proves that of its own documents: by its code, or since it was alone in its batch.

    Raises:
        Stopped: the engine could not be asked.
    """
    if proves_alone(task):
        return True
    try:
        return task.batch_uid is not None and run.runtime.engine.batch_size(task.batch_uid) == 1
    except EngineError as exc:
        raise Stopped(request_failure(exc)) from exc


def _answers(run: ClaimRun, sends: Sequence[Send], end: float) -> Generator[Await | Step, Tasks, Tasks]:
    """How these sends ended: awaited again and again where a batch takes longer than one wait, until `end`."""
    while True:
        tasks = yield Await(uids=frozenset(send.uid for send in sends))
        over = tasks is None or all(task.terminal for task in tasks.values())
        if over or time.monotonic() > end:
            return tasks
        run.renew_lease()
        run.enter_trial()


def _sift(run: ClaimRun, send: Send, tasks: Tasks, search: Bisection) -> None:
    """Note what one trial came to."""
    task = (tasks or {}).get(send.uid)
    if tasks is None or (task is not None and not task.terminal):
        run.open.append(send)
        run.trials.update(dict.fromkeys(send.ids, run.next_group()))
    elif task is None or task.metadata != send.token:
        run.documents.note(send.ids, Outcome.UNKNOWN, NOT_KNOWN, trial=run.next_group())
    elif succeeded(send, task):
        search.passes()
    else:
        _weigh(run, send, task, search)


def _weigh(run: ClaimRun, send: Send, task: EngineTask, search: Bisection) -> None:
    """Note what a failed task means for its documents.

    Raises:
        Stopped: no document is to blame.
    """
    failure = task_failure(task)
    proven = failure.scope is not Scope.PAYLOAD or is_proven(run, task)
    action = decide(failure, documents=len(send.ids), proven=proven)
    if action is Action.PAUSE:
        raise Stopped(failure)
    if action is Action.ISOLATE:
        search.again(send.ids)
        return
    if failure.scope is Scope.PAYLOAD:
        _rule_out_the_engine(run, send, failure)
        search.fails(send.ids)
    if action is Action.CONDEMN:
        run.documents.note(send.ids, Outcome.PERMANENT, failure)
    elif action is Action.RETRY:
        run.documents.note(send.ids, Outcome.RETRYABLE, failure)


def _rule_out_the_engine(run: ClaimRun, send: Send, failure: Failure) -> None:
    """Look at the barrier before a payload that failed without a verdict: where it failed too, the engine is to blame.

    Raises:
        Stopped: it is.
    """
    if failure.permanent or send.barrier is None:
        return
    try:
        barrier = run.runtime.engine.tasks([send.barrier]).get(send.barrier)
    except EngineError as exc:
        raise Stopped(request_failure(exc)) from exc
    if barrier is not None and barrier.status == "failed":
        raise Stopped(replace(task_failure(barrier), scope=Scope.ENGINE))


def _hopeless(run: ClaimRun) -> Failure:
    found = run.documents.first(Outcome.PERMANENT) or run.documents.first(Outcome.RETRYABLE) or NO_VERDICT
    text = f"every document of a payload that was tried alone failed: {found.reason}"
    return replace(found, scope=Scope.INDEX, reason=text, permanent=False)
