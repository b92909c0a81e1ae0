"""Polling submitted works: what the engine's verdict on their tasks means for each of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, Row

from .. import tracing
from ..engine.reasons import is_lasting, proves_alone, request_failure, task_failure
from ..errors import EngineError
from ..ledger import indexes, marks, noted, parts, submitted, totals, works
from ..notices import Settled
from ..runtime import Runtime
from ..work import EngineTask, Failure, Scope, Work
from . import backoff
from .bisection import halves
from .decisions import Action, decide

Tasks = Mapping[int, EngineTask]


def poll(runtime: Runtime) -> int:
    """Look how the engine's tasks of submitted works ended; how many works were concluded.

    Where the engine refuses to show its tasks at all, the indexes concerned are paused, so that the reason is seen.
    """
    rows = runtime.ledger.read(partial(submitted.awaiting, generation=runtime.options.generation))
    if not rows:
        return 0
    try:
        tasks = runtime.engine.tasks(uid for row in rows for uid in row.engine_uids)
        alone = _alone(runtime, tasks)
    except EngineError as exc:
        if is_lasting(exc):
            pause = partial(_pause, runtime=runtime, failure=request_failure(exc))
            for uid in {row.index_uid for row in rows}:
                runtime.ledger.run(partial(pause, uid=uid))
        return 0
    return sum(
        runtime.ledger.run(partial(_conclude, runtime=runtime, row=row, tasks=tasks, alone=alone))
        for row in rows
        if _any_over(row, tasks)
    )


def _any_over(row: Row[Any], tasks: Tasks) -> bool:
    """Whether the engine is done with any task of a claim, or does not know it."""
    return not row.engine_uids or any(uid not in tasks or tasks[uid].terminal for uid in row.engine_uids)


def _alone(runtime: Runtime, tasks: Tasks) -> set[int]:
    """The batches of failed tasks that held nothing else."""
    batches = {task.batch_uid for task in tasks.values() if task.status == "failed" and task.batch_uid is not None}
    return {batch for batch in batches if runtime.engine.batch_size(batch) == 1}


def _conclude(connection: Connection, *, runtime: Runtime, row: Row[Any], tasks: Tasks, alone: set[int]) -> int:
    """Settle the works of one claim of which all tasks are over; how many."""
    concluded, newest = list[Work](), None
    fine: list[Work] = []
    unknown: list[int] = []
    failed: dict[int, list[Work]] = {}
    for item in submitted.waiting(connection, row.token):
        found = {uid: tasks.get(uid) for uid in item.engine_uids or row.engine_uids}
        if any(task is not None and not task.terminal for task in found.values()):
            continue
        concluded.append(item)
        ours = [task for task in (newest, *found.values()) if task is not None and _is_ours(task, row)]
        newest = max(ours, key=lambda task: task.uid, default=None)
        if any(task is None or not _is_ours(task, row) for task in found.values()):
            unknown.append(item.id)
            continue
        bad = [uid for uid, task in found.items() if task is not None and not _succeeded(task)]
        if bad:
            failed.setdefault(bad[0], []).append(item)
        else:
            fine.append(item)
    if not concluded:
        return 0
    links, count = [item.traceparent for item in concluded], len(concluded)
    index = runtime.engine_uid(row.index_uid)
    with tracing.span("settle", kind="consumer", links=links, index=index, works=count) as span:
        submitted.conclude(connection, row.token, [item.id for item in fine])
        totals.succeeded(connection, row.index_uid, fine, at=row.at)
        submitted.release(connection, row.token, unknown, None)
        dead = sum(_judge(connection, runtime, row, tasks[uid], items, alone) for uid, items in failed.items())
        for uid in failed:
            span.fail(task_failure(tasks[uid]).code or "unknown")
        if newest is not None:
            marks.advance(connection, row.index_uid, newest.uid, newest.metadata or "")
        submitted.end(connection, row.token)
    classes = Counter(task_failure(tasks[uid]).reason_class.value for uid, items in failed.items() for _ in items)
    noted.note(connection, _settled(row, concluded, succeeded=len(fine), failed=dead, classes=classes))
    return count


def _settled(
    row: Row[Any], concluded: Sequence[Work], *, succeeded: int, failed: int, classes: Mapping[str, int]
) -> Settled:
    return Settled(
        index_uid=row.index_uid,
        operation=concluded[0].operation,
        works=tuple(item.id for item in concluded),
        documents=sum(len(item.left) for item in concluded),
        succeeded=succeeded,
        retrying=len(concluded) - succeeded - failed,
        failed=failed,
        classes=classes,
        seconds=row.age,
    )


def _judge(
    connection: Connection, runtime: Runtime, row: Row[Any], task: EngineTask, items: Sequence[Work], alone: set[int]
) -> int:
    """Do what follows from a failed task for the works whose documents it held; how many are dead letters."""
    failure = task_failure(task)
    documents = sum(len(item.left) for item in items)
    proven = proves_alone(task) or task.batch_uid in alone
    action = decide(failure, documents=documents, proven=proven)
    release = partial(submitted.release, connection, row.token)
    if action is Action.PAUSE:
        release([item.id for item in items], None)
        _pause(connection, runtime=runtime, uid=row.index_uid, failure=failure)
    elif action is Action.ISOLATE:
        release([item.id for item in items], f"u{task.uid}")
    elif action is Action.SPLIT:
        for half, ids in zip("ab", _halved(connection, items), strict=True):
            release(ids, f"u{task.uid}{half}")
    else:
        return sum(_fail(connection, runtime, row, item, failure, [task.uid]) for item in items)
    return 0


def _halved(connection: Connection, items: Sequence[Work]) -> tuple[Sequence[int], Sequence[int]]:
    """The ids of works that hold either half of these documents; a single work is made two."""
    if len(items) > 1:
        middle = len(items) // 2
        return [item.id for item in items[:middle]], [item.id for item in items[middle:]]
    first, second = halves(items[0].left)
    rest = parts.split_off(connection, items[0], second)
    return [parts.narrow(connection, items[0], first).id], [rest.id]


def _fail(
    connection: Connection, runtime: Runtime, row: Row[Any], item: Work, failure: Failure, uids: Sequence[int]
) -> bool:
    """Write down that a work is not settled; whether it is a dead letter."""
    schema = runtime.schemas.by_uid(item.index_uid)
    name = item.index_uid if schema is None else schema.name
    delay, failure = backoff.decide(runtime.options, item.attempts, failure)
    shown = ", ".join(item.left[:5])
    failure = replace(failure, reason=f"{name} {shown}: {failure.reason}")
    changed = works.fail(connection, row.token, item, failure, ids=item.left, delay=delay, engine_uids=uids)
    return changed > 0 and delay is None


def _pause(connection: Connection, *, runtime: Runtime, uid: str, failure: Failure) -> None:
    row = indexes.get(connection, uid)
    if row is None or row.pause is None:  # else the probes of that pause say when it ends
        delay = backoff.probe_delay(runtime.options, 0, failure)
        indexes.pause(connection, uid, replace(failure, scope=Scope.ENGINE), delay)


def _is_ours(task: EngineTask, row: Row[Any]) -> bool:
    return (task.metadata or "").startswith(f"scrypath:{row.token}:")


def _succeeded(task: EngineTask) -> bool:
    missing = task.type == "documentDeletion" and (task.error or {}).get("code") == "index_not_found"
    return task.status == "succeeded" or missing
