"""What a live worker says by `celery inspect` and does by `celery control`; importing this makes the commands known.

    celery -A shop inspect scrypath_status [SCHEMA]       scrypath_failed [SCHEMA]      scrypath_reconcile [SCHEMA]
    celery -A shop inspect scrypath_schemas               control scrypath_retry ID
    celery -A shop control scrypath_pause SCHEMA REASON     control scrypath_resume SCHEMA

Handlers run in the worker's event loop, which waits for them. So they look for a short time only, apart from the loop,
and say what they left out; beside forks they start no thread (one can deadlock the pool's children) and log nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from celery.worker.control import control_command, inspect_command

from ..declaration.schema import Schema
from ..errors import ScrypathError, WorkError
from ..ledger import works
from ..operator.failed import failed
from ..operator.pause import pause, resume
from ..operator.probe import with_timeouts
from ..operator.reconcile import reconcile
from ..operator.retry import retry
from ..operator.serialization import VERSION, as_json
from ..operator.status import status
from ..runtime import Runtime
from ..work import OPEN, Mode
from .apart import Reply, look_apart
from .tasks import SYNC

CONNECT, ANSWER, TOTAL = 0.5, 1.0, 1.0
"""How long (seconds) the engine may take to connect, engine and ledger to answer, and how long the engine is asked."""

LIMIT = 3.0
"""How long (seconds) a whole look may take."""

ROWS = 100
"""The most rows of failed work in one reply."""


@inspect_command(help="Which search schemas this worker declares, and which queues it consumes.")  # type: ignore[untyped-decorator]
def scrypath_schemas(state: Any, **kwargs: Any) -> Reply:
    """The indexes that this worker declares (unprefixed uids) and its queues; asks nobody."""
    search = getattr(state.app, "scrypath", None)
    declares = sorted(schema.uid for schema in search.schemas) if search is not None else []
    return {"declares": declares, "queues": sorted(state.app.amqp.queues.consume_from)}


@inspect_command(
    args=[("schema", str)], signature="[SCHEMA]", help="Where search indexes stand, as this worker sees it."
)  # type: ignore[untyped-decorator]
def scrypath_status(state: Any, schema: str | None = None, **kwargs: Any) -> Reply:
    """The status of all schemas, or one, and what this worker declares and consumes."""

    def look(runtime: Runtime) -> Reply:
        found = status(runtime, _chosen(runtime, schema), seconds=2 * TOTAL)
        return {**as_json(found), "unknown": list(found.unknown), "worker": scrypath_schemas(state)}

    return _answered(state, look)


@inspect_command(args=[("schema", str)], signature="[SCHEMA]", help="Failed search work, newest first.")  # type: ignore[untyped-decorator]
def scrypath_failed(state: Any, schema: str | None = None, **kwargs: Any) -> Reply:
    """Dead letters and what is being retried, of all schemas or one; at most a hundred rows."""

    def look(runtime: Runtime) -> Reply:
        chosen = runtime.schemas.of(schema) if schema else None
        found: Reply = as_json(failed(runtime, chosen, limit=ROWS))
        return found

    return _answered(state, look)


@inspect_command(  # type: ignore[untyped-decorator]
    args=[("schema", str)], signature="[SCHEMA]", help="What differs between database and index (a report only)."
)
def scrypath_reconcile(state: Any, schema: str | None = None, **kwargs: Any) -> Reply:
    """The report of all schemas, or one; the database's records are not counted here."""

    def look(runtime: Runtime) -> Reply:
        program = f"scrypath-celery -A {state.app.main}" if state.app.main else "scrypath-celery"
        found = reconcile(runtime, _chosen(runtime, schema), program=program, seconds=TOTAL, count=False)
        return {**as_json(found), "unknown": list(found.unknown), "differs": found.differs}

    return _answered(state, look)


@control_command(args=[("id", str)], signature="ID", help="Retry the failed search work of this id.")  # type: ignore[untyped-decorator]
def scrypath_retry(state: Any, id: str = "", **kwargs: Any) -> Reply:
    """Retry one work by its id. All workers are asked: the first does it, the others find it pending already."""
    if not str(id).isdecimal():
        return {"error": f"scrypath_retry takes the id of a work, not {str(id)[:50]!r}"}

    published: list[tuple[str, tuple[int, ...]]] = []

    def act(runtime: Runtime) -> Reply:
        handed = replace(runtime, publish=lambda index, ids: published.append((index, ids)))
        try:
            return {"ok": as_json(retry(handed, int(id), mode=Mode.CELERY)), "publish": published}
        except WorkError:
            there = runtime.ledger.read(lambda tx: works.find(tx, [int(id)]))
            if there and there[0].state in OPEN:
                return {"ok": f"work {id} is {there[0].state} already"}
            raise

    done = _answered(state, act)
    for index, ids in done.pop("publish", ()):
        _publish(state, index, ids)
    return done


@control_command(args=[("schema", str), ("reason", str)], signature="SCHEMA REASON", help="Keep workers off an index.")  # type: ignore[untyped-decorator]
def scrypath_pause(state: Any, schema: str = "", reason: str = "", **kwargs: Any) -> Reply:
    """Pause an index by hand. All workers are asked: each writes down the same."""
    by = f"celery control at {state.hostname}"

    def act(runtime: Runtime) -> Reply:
        return {"ok": as_json(pause(runtime, runtime.schemas.of(schema), reason=reason, by=by))}

    return _answered(state, act)


@control_command(args=[("schema", str)], signature="SCHEMA", help="End the pause of an index by hand.")  # type: ignore[untyped-decorator]
def scrypath_resume(state: Any, schema: str = "", **kwargs: Any) -> Reply:
    """End a pause by hand. All workers are asked: the first does it."""
    return _answered(state, lambda runtime: {"ok": as_json(resume(runtime, runtime.schemas.of(schema)))})


def _answered(state: Any, function: Callable[[Runtime], Reply]) -> Reply:
    """What `function` says of the worker's runtime, or an error in one line."""
    search = getattr(state.app, "scrypath", None)
    if search is None:
        return {"error": f"the Celery app {state.app.main!r} of this worker has no Scrypath"}

    try:
        # Built here, where it is built once: a child would import the engine's client for each look.
        runtime = with_timeouts(search.runtime, connect=CONNECT, answer=ANSWER)
    except ScrypathError as exc:
        return {"error": str(exc)}
    found = look_apart(lambda: function(runtime), seconds=LIMIT, fork=_forks(state))
    return found if "ok" in found or "error" in found else {"version": VERSION, **found}


def _chosen(runtime: Runtime, schema: str | None) -> list[Schema]:
    return [runtime.schemas.of(schema)] if schema else list(runtime.schemas)


def _forks(state: Any) -> bool:
    pool = getattr(getattr(state, "consumer", None), "pool", None)
    return type(pool).__module__ == "celery.concurrency.prefork"


def _publish(state: Any, index: str, ids: tuple[int, ...]) -> None:
    """Publish from the event loop itself, as the relay's timer does; where it fails the relay publishes later."""
    queue = state.app.scrypath.options.queue
    try:
        state.app.tasks[SYNC].apply_async(args=(index, list(ids)), queue=queue, retry=False, serializer="json")
    except state.app.connection_for_write().connection_errors:
        return
