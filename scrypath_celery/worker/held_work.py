"""What a worker can say of itself: its processes, tasks, claims, versions, and what it reaches from where it runs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from celery.worker import state as celery_state
from sqlalchemy import Connection

from ..errors import ScrypathError
from ..ledger import overview
from ..runtime import Runtime, identity
from .messages import RELAY, SYNC

PACKAGES = ("scrypath-celery", "celery", "kombu", "sqlalchemy", "meilisearch")


def processes(state: Any) -> tuple[int, ...]:
    """The ids of this worker's processes: its own, and those of a pool of processes."""
    pool = getattr(getattr(state.consumer, "pool", None), "_pool", None)
    children = getattr(pool, "_pool", None) or ()
    return (os.getpid(), *(child.pid for child in children if getattr(child, "pid", None)))


def running_tasks() -> list[dict[str, Any]]:
    """Our tasks that this worker runs now: what their messages show, and for how long they have run (seconds)."""
    found = []
    for request in list(celery_state.active_requests):
        if request.name not in (SYNC, RELAY):
            continue
        age = None if request.time_start is None else round(max(time.time() - request.time_start, 0.0), 1)
        found.append({"id": request.id, "name": request.name, "args": request.argsrepr, "seconds": age})
    return sorted(found, key=lambda one: str(one["id"]))


def claims_held(connection: Connection, *, pids: Sequence[int]) -> list[dict[str, Any]]:
    """The claims that these processes of this system hold: documents, works, age, lease (seconds), and what hangs."""
    system = identity().partition(":")[0]
    mine = tuple(f"{system}:{pid}:" for pid in pids)
    return [vars(one) for one in overview.held(connection) if one.worker.startswith(mine)]


def reach(runtime: Runtime) -> dict[str, Any]:
    """Whether ledger and engine answer here, how fast (seconds), and why they do not."""
    return {"ledger": _asked(lambda: runtime.ledger.read(overview.time)), "engine": _asked(runtime.engine.newest_task)}


def versions() -> dict[str, str | None]:
    """The versions of this package and of what it stands on, in this worker."""
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _asked(question: Callable[[], object]) -> dict[str, Any]:
    start = time.monotonic()
    try:
        question()
    except ScrypathError as exc:
        return {"answers": False, "code": exc.code, "reason": str(exc)}
    return {"answers": True, "seconds": round(time.monotonic() - start, 3)}
