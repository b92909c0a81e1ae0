"""What a failed engine task proves, and finding the documents to blame.

Meilisearch merges what waits, and with most errors fails every payload of the batch. So a failed task condemns its
documents only if its code is one of the few that concern a task alone, or if it was alone in its batch. Otherwise
its documents are read and sent again between two barriers, so that little but them stands in their batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..engine.reasons import OWN_TASK, refusal, unreachable_for_all, verdict
from ..errors import EngineError
from ..work import EngineTask, Failure, ReasonClass
from .checkpoints import Await, Step, Steps
from .claim_run import ClaimRun, Send, Stopped
from .send import condemn, halves, send_all

ROUNDS = 24
"""Rounds of trials before what is left waits for another claim."""
MAX_FAILED_PARTS = 8
"""Parts of one payload that have to fail, with none that passes, before the index is paused instead."""


def judge(run: ClaimRun, failed: Sequence[tuple[Send, EngineTask]]) -> Steps:
    """Find out what the failures of these sends prove, sending again what must be tried."""
    apart: list[Sequence[str]] = []
    alone: list[Sequence[str]] = []
    for send, task in failed:
        failure, proven = _weigh(run, task)
        if task.status == "canceled":
            _again(run, send.ids, failure)
        elif not proven:
            alone.append(send.ids)
        elif failure.permanent and len(send.ids) > 1:
            (apart if _own(task) else alone).extend(halves(send.ids))
        else:
            _blame(run, send.ids, failure)
    yield Step.JUDGED
    yield from _try(run, apart)
    if alone:
        yield from _exclusively(run, alone)


def _exclusively(run: ClaimRun, parts: list[Sequence[str]]) -> Steps:
    if not run.enter_trial():
        _postpone(run, parts, "another payload of the index is on trial")
        return
    run.barriers = True
    yield from _try(run, parts)
    run.barriers = False
    run.leave_trial()


def _try(run: ClaimRun, parts: list[Sequence[str]]) -> Steps:
    passed = False
    for _ in range(ROUNDS):
        if not parts:
            return
        if len(parts) >= MAX_FAILED_PARTS and not passed:
            raise Stopped(_too_many_failed_parts(run, parts))
        if run.barriers and not run.enter_trial():  # held for one lease at a time
            break
        first = len(run.sends)
        for part in parts:
            yield from send_all(run, part)
        sends = run.sends[first:]
        tasks = yield Await(uids=frozenset(send.uid for send in sends))
        yield Step.JUDGED
        parts, good = _sift(run, sends, tasks or {})
        passed = passed or good
    _postpone(run, parts, "no verdict on the payload yet")


def _sift(run: ClaimRun, sends: Sequence[Send], tasks: Mapping[int, EngineTask]) -> tuple[list[Sequence[str]], bool]:
    """What is left to try of these sends, and whether any of them passed."""
    left: list[Sequence[str]] = []
    good = False
    for send in sends:
        task = tasks.get(send.uid)
        if task is None or not task.terminal or task.metadata != send.token:
            _postpone(run, [send.ids], "the wait for a trial ran out")
            continue
        if succeeded(send, task):
            good = True
            continue
        failure, proven = _weigh(run, task)
        if not proven:
            left.append(send.ids)
        elif failure.permanent and len(send.ids) > 1:
            left.extend(halves(send.ids))
        else:
            _blame(run, send.ids, failure)
    return left, good


def succeeded(send: Send, task: EngineTask) -> bool:
    """Whether a task did what its request asked for; deleting from an index that is not there did."""
    missing = task.status == "failed" and (task.error or {}).get("code") == "index_not_found"
    return task.status == "succeeded" or (send.deletion and missing)


def _weigh(run: ClaimRun, task: EngineTask) -> tuple[Failure, bool]:
    """What a failed task means, and whether it proves that of its own documents."""
    failure = verdict(task)
    if unreachable_for_all(task):
        raise Stopped(failure)
    if _own(task):
        return failure, True
    try:
        return failure, task.batch_uid is not None and run.runtime.engine.batch_size(task.batch_uid) == 1
    except EngineError as exc:
        raise Stopped(refusal(exc)) from exc


def _own(task: EngineTask) -> bool:
    return (task.error or {}).get("code") in OWN_TASK


def _blame(run: ClaimRun, ids: Sequence[str], failure: Failure) -> None:
    if failure.permanent:
        condemn(run, ids, failure)
    else:
        _again(run, ids, failure)


def _again(run: ClaimRun, ids: Sequence[str], failure: Failure) -> None:
    for id in ids:
        run.again[id] = failure


def _postpone(run: ClaimRun, parts: Sequence[Sequence[str]], reason: str) -> None:
    for part in parts:
        for id in part:
            run.postponed[id] = Failure(reason_class=ReasonClass.BACKEND_REJECTED, reason=reason)


def _too_many_failed_parts(run: ClaimRun, parts: Sequence[Sequence[str]]) -> Failure:
    found = next(iter(run.condemned.values()), None)
    base = found or Failure(
        reason_class=ReasonClass.BACKEND_REJECTED, reason="the engine failed every part of a payload"
    )
    text = f"every one of {len(parts)} parts of a payload failed: {base.reason}"
    return replace(base, reason=text, permanent=False)
