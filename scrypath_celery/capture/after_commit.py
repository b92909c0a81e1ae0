"""After the commit: works are handed to Celery, or run here; whatever fails is left to a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextvars import copy_context

from sqlalchemy import Connection

from ..convergence.summary import Summary
from ..logs import log
from ..notices import SHOWN
from ..runtime import Runtime
from ..work import Mode, Operation
from .inline import run_now
from .registration import Group, Registration
from .result import SyncResult

Works = Mapping[tuple[str, Mode], tuple[int, ...]]
"""Ids of works by index and mode."""


def deliver(
    runtime: Runtime,
    registrations: Sequence[Registration],
    works: Mapping[Group, Sequence[int]],
    connection: Connection | None,
) -> None:
    """Hand on committed works and fill in the results of the calls that wrote them.

    `connection` is the caller's where its outer transaction is still open: modes that run here run inside it, and
    under `task_always_eager` all do. What an AsyncSession wrote runs in a thread of the event loop's, which goes on.
    Nothing is raised: the caller's transaction is committed, and every work that could not be run is a row that a
    worker finds.
    """
    results = {id(item.result): item.result for item in registrations}
    for result in results.values():
        result.commit(in_outer=connection is not None)
    merged = _merged(works)
    if connection is None and _is_async(registrations) and _runs_here(runtime, merged):
        loop = asyncio.get_running_loop()
        here = copy_context().run  # what is traced here, and whether anything is recorded, holds there too
        future = loop.run_in_executor(None, here, _deliver, runtime, registrations, merged, None)
        for result in results.values():
            result.follow(future)
        return
    _deliver(runtime, registrations, merged, connection)


def _is_async(registrations: Sequence[Registration]) -> bool:
    binds = {id(item.bind): item.bind for item in registrations}
    return any(bind is not None and bind.dialect.is_async for bind in binds.values())


def _runs_here(runtime: Runtime, works: Works) -> bool:
    return any(mode is not Mode.CELERY for _, mode in works) or runtime.eager()


def _deliver(
    runtime: Runtime, registrations: Sequence[Registration], works: Works, connection: Connection | None
) -> None:
    outcomes: dict[tuple[str, Mode], Summary | None] = {}
    results = {id(item.result): item.result for item in registrations}
    for (uid, mode), ids in works.items():
        documents = {id for item in _of(registrations, uid) for id in item.ids}
        outcomes[uid, mode] = _hand_on(runtime, uid, mode, ids, connection, len(documents))
    for key, result in results.items():
        if result.mode is not Mode.CELERY:
            _take(result, [item for item in registrations if id(item.result) == key], outcomes)


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


def _of(registrations: Sequence[Registration], uid: str) -> Iterator[Registration]:
    """The registrations of one index."""
    schemas = {id(item.schema): item.schema for item in registrations}
    ours = {key for key, schema in schemas.items() if schema.uid == uid}
    return (item for item in registrations if id(item.schema) in ours)


def _merged(works: Mapping[Group, Sequence[int]]) -> Works:
    merged: dict[tuple[str, Mode], dict[int, None]] = {}
    for group, ids in works.items():
        merged.setdefault((group.uid, group.mode), {}).update(dict.fromkeys(ids))
    return {key: tuple(ids) for key, ids in merged.items() if ids}


def _hand_on(
    runtime: Runtime, uid: str, mode: Mode, ids: tuple[int, ...], connection: Connection | None, documents: int
) -> Summary | None:
    try:
        if mode is Mode.CELERY and not (connection is not None and runtime.eager()):
            runtime.publish(uid, ids, documents=documents or None)
            return None
        mode = Mode.INLINE if mode is Mode.CELERY else mode
        return run_now(runtime, uid, ids, mode, connection=connection)
    except Exception as exc:  # noqa: BLE001 - the data is committed: nothing of ours may leave commit()
        # The class alone: an error's text may hold what the application's records hold.
        log("works_left_to_worker", count=len(ids), index=uid, works=ids[:SHOWN], error=type(exc).__name__)
        return None
