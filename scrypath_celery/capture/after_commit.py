"""After the commit: works are handed to Celery, or run here; whatever fails is left to a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextvars import copy_context
from typing import NamedTuple

from sqlalchemy import Connection

from ..convergence.summary import Summary
from ..logs import log
from ..notices import SHOWN
from ..runtime import Runtime
from ..work import Mode, Operation
from .inline import run_now
from .registration import Group, Registration
from .result import SyncResult


class Written(NamedTuple):
    """The ids of the works of a group, and those of the documents that they hold."""

    works: tuple[int, ...]
    documents: Collection[str]


_Merged = Mapping[tuple[str, Mode], Written]
"""What is handed on together: by index and mode."""


def deliver(
    runtime: Runtime,
    registrations: Sequence[Registration],
    written: Mapping[Group, Written],
    connection: Connection | None,
) -> None:
    """Hand on committed works and fill in the results of the calls that wrote them.

    Those for later are nobody's yet, and those of another generation are left to its own workers.

    `connection` is the caller's where its outer transaction is still open: modes that run here run inside it, and
    under `task_always_eager` all do. What an AsyncSession wrote runs in a thread of the event loop's, which goes on.
    Nothing is raised: the caller's transaction is committed, and every work that could not be run is a row that a
    worker finds.
    """
    registrations = [item for item in registrations if item.is_ours]
    results = {id(item.result): item.result for item in registrations}
    for result in results.values():
        result.commit(in_outer=connection is not None)
    merged = _merged(written)
    if connection is None and _is_async(registrations) and _runs_here(runtime, merged):
        loop = asyncio.get_running_loop()
        here = copy_context().run  # what is traced here, and whether anything is recorded, holds there too
        future = loop.run_in_executor(None, here, _deliver, runtime, registrations, merged, None)
        for result in results.values():
            result.follow(future)
        return
    _deliver(runtime, registrations, merged, connection)


def _is_async(registrations: Sequence[Registration]) -> bool:
    return any(bind is not None and bind.dialect.is_async for bind in {item.bind for item in registrations})


def _runs_here(runtime: Runtime, merged: _Merged) -> bool:
    return any(mode is not Mode.CELERY for _, mode in merged) or runtime.eager()


def _deliver(
    runtime: Runtime, registrations: Sequence[Registration], merged: _Merged, connection: Connection | None
) -> None:
    outcomes: dict[tuple[str, Mode], Summary | None] = {}
    for (uid, mode), written in merged.items():
        outcomes[uid, mode] = _hand_on(runtime, uid, mode, written, connection)
    ran: dict[int, list[Registration]] = {}
    for item in registrations:
        if item.group.mode is not Mode.CELERY:
            ran.setdefault(id(item.result), []).append(item)
    for items in ran.values():
        _take(items[0].result, items, outcomes)


def _take(
    result: SyncResult, items: Sequence[Registration], outcomes: Mapping[tuple[str, Mode], Summary | None]
) -> None:
    total = Summary()
    exists = False
    for uid in dict.fromkeys(item.group.uid for item in items):
        outcome = outcomes.get((uid, result.mode))
        if outcome is None:
            result.leave()
            return
        total.add(outcome)
        if any(item.group.fan_out for item in items):
            result.hold(outcome.fanned_out)
        deletions = (item for item in items if item.group.uid == uid and item.operation is Operation.DELETE)
        exists |= any(outcome.indexed.intersection(item.ids) for item in deletions)
    result.take(total, record_exists=exists)


def _merged(found: Mapping[Group, Written]) -> _Merged:
    merged: dict[tuple[str, Mode], Written] = {}
    for group, written in found.items():
        if group.is_ours and not group.at and written.works:
            key = group.uid, group.mode
            if group.operation is Operation.FAN_OUT:  # it holds owners: how many documents is not known yet
                written = Written(written.works, ())
            merged[key] = _together(merged[key], written) if key in merged else written
    return merged


def _together(one: Written, other: Written) -> Written:
    return Written(tuple(dict.fromkeys((*one.works, *other.works))), {*one.documents, *other.documents})


def _hand_on(runtime: Runtime, uid: str, mode: Mode, written: Written, connection: Connection | None) -> Summary | None:
    ids = written.works
    try:
        if mode is Mode.CELERY and not (connection is not None and runtime.eager()):
            runtime.publish(uid, ids, documents=len(written.documents) or None)
            return None
        mode = Mode.INLINE if mode is Mode.CELERY else mode
        return run_now(runtime, uid, ids, mode, connection=connection)
    except Exception as exc:  # noqa: BLE001 - the data is committed: nothing of ours may leave commit()
        # The class alone: an error's text may hold what the application's records hold.
        log("works_left_to_worker", count=len(ids), index=uid, works=ids[:SHOWN], error=type(exc).__name__)
        return None
