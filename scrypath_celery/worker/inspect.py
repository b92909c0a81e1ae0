"""What a live worker says by `celery inspect` and does by `celery control`; importing this makes the commands known.

    celery -A shop inspect scrypath_status [SCHEMA]       scrypath_failed [SCHEMA]      scrypath_reconcile [SCHEMA]
    celery -A shop inspect scrypath_work                  scrypath_schemas              control scrypath_retry ID
    celery -A shop control scrypath_pause SCHEMA REASON     control scrypath_resume SCHEMA

Handlers are called in the worker's event loop. What the worker knows of itself they read at once; what must be looked
up is replied when the look has ended (see `deferred`), which beside forks is made in a child process, since a thread
can deadlock the pool's children. A look is bounded, and says what it left out. What a handler needs it imports itself,
not in its look: a worker starts without it, and no child imports it again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from celery.worker.control import control_command, inspect_command

from ..declaration.schema import Schema
from ..errors import ScrypathError, WorkError
from ..ledger import works
from ..operator.serialization import VERSION, as_json
from ..runtime import Runtime
from ..work import OPEN, Cause, Mode
from .apart import Reply, look_apart
from .deferred import Deferred, Finish
from .held_work import claims_held, processes, reach, running_tasks, versions
from .messages import SYNC, options, to_queue
from .this_worker import this_worker

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


@inspect_command(  # type: ignore[untyped-decorator]
    args=[("schema", str)], signature="[SCHEMA]", help="Where search indexes stand, as this worker sees it."
)
def scrypath_status(state: Any, schema: str | None = None, **kwargs: Any) -> Reply | Deferred:
    """The status of all schemas, or one, with what this worker declares, reaches, runs on, and has done."""
    from ..operator.status import status

    known = {"worker": scrypath_schemas(state), "versions": versions(), **_tally(state)}

    def look(runtime: Runtime) -> Reply:
        reached = reach(runtime)
        if not reached["ledger"]["answers"]:  # what follows would wait for it, too
            return {"indexes": None, "unknown": [reached["ledger"]["reason"]], "reach": reached}
        found = status(runtime, _chosen(runtime, schema), seconds=2 * TOTAL)
        return {**as_json(found), "unknown": list(found.unknown), "reach": reached}

    return _wrong(state, schema) or _answered(state, look, known, without={"indexes": None, "reach": None})


@inspect_command(help="The search work that this worker holds now: claims, ages, documents.")  # type: ignore[untyped-decorator]
def scrypath_work(state: Any, **kwargs: Any) -> Reply | Deferred:
    """What this worker holds: its running tasks, which it knows itself, and its claims, which the ledger knows."""
    known = {"tasks": running_tasks(), **_tally(state)}
    pids = processes(state)

    def look(runtime: Runtime) -> Reply:
        held = runtime.ledger.read(partial(claims_held, pids=pids))
        return {"claims": held, "unknown": []}

    return _answered(state, look, known, without={"claims": None})


@inspect_command(args=[("schema", str)], signature="[SCHEMA]", help="Failed search work, newest first.")  # type: ignore[untyped-decorator]
def scrypath_failed(state: Any, schema: str | None = None, **kwargs: Any) -> Reply | Deferred:
    """Dead letters and what is being retried, of all schemas, or of those of a name; at most a hundred rows."""
    from ..operator.failed import failed

    def look(runtime: Runtime) -> Reply:
        chosen = runtime.schemas.all_of(schema) if schema else None
        found: Reply = as_json(failed(runtime, chosen, limit=ROWS))
        return found

    return _answered(state, look)


@inspect_command(  # type: ignore[untyped-decorator]
    args=[("schema", str)], signature="[SCHEMA]", help="What differs between database and index (a report only)."
)
def scrypath_reconcile(state: Any, schema: str | None = None, **kwargs: Any) -> Reply | Deferred:
    """The report of all schemas, or one; the database's records are not counted here."""
    from ..operator.reconcile import reconcile

    def look(runtime: Runtime) -> Reply:
        program = f"scrypath-celery -A {state.app.main}" if state.app.main else "scrypath-celery"
        found = reconcile(runtime, _chosen(runtime, schema), program=program, seconds=TOTAL, count=False)
        return {**as_json(found), "unknown": list(found.unknown), "differs": found.differs}

    return _answered(state, look)


@control_command(args=[("id", str)], signature="ID", help="Retry the failed search work of this id.")  # type: ignore[untyped-decorator]
def scrypath_retry(state: Any, id: str = "", **kwargs: Any) -> Reply | Deferred:
    """Retry one work by its id. All workers are asked: the first does it, the others find it pending already."""
    from ..operator.retry import retry

    if not str(id).isdecimal():
        return {"error": f"scrypath_retry takes the id of a work, not {str(id)[:50]!r}"}

    published: list[tuple[str, tuple[int, ...]]] = []

    def publish(index: str, ids: tuple[int, ...], *, cause: Cause = Cause.SYNC, documents: int | None = None) -> None:
        published.append((index, ids))

    def act(runtime: Runtime) -> Reply:
        handed = replace(runtime, publish=publish)
        try:
            return {"ok": as_json(retry(handed, int(id), mode=Mode.CELERY)), "publish": published}
        except WorkError:
            there = runtime.ledger.read(lambda tx: works.find(tx, [int(id)]))
            if there and there[0].state in OPEN:
                return {"ok": f"work {id} is {there[0].state} already"}
            raise

    def done(found: Reply) -> Reply:
        for index, ids in found.pop("publish", ()):
            _publish(state, index, ids)
        return found

    return _apart(state, act, done)


@control_command(args=[("schema", str), ("reason", str)], signature="SCHEMA REASON", help="Keep workers off an index.")  # type: ignore[untyped-decorator]
def scrypath_pause(state: Any, schema: str = "", reason: str = "", **kwargs: Any) -> Reply | Deferred:
    """Pause an index by hand. All workers are asked: each writes down the same."""
    from ..operator.pause import pause

    by = f"celery control at {state.hostname}"

    def act(runtime: Runtime) -> Reply:
        return {"ok": as_json(pause(runtime, runtime.schemas.of(schema), reason=reason, by=by))}

    return _answered(state, act)


@control_command(args=[("schema", str)], signature="SCHEMA", help="End the pause of an index by hand.")  # type: ignore[untyped-decorator]
def scrypath_resume(state: Any, schema: str = "", **kwargs: Any) -> Reply | Deferred:
    """End a pause by hand. All workers are asked: the first does it."""
    from ..operator.pause import resume

    return _answered(state, lambda runtime: {"ok": as_json(resume(runtime, runtime.schemas.of(schema)))})


def _answered(
    state: Any, function: Callable[[Runtime], Reply], known: Reply | None = None, *, without: Reply | None = None
) -> Reply | Deferred:
    """What `function` finds, with what the worker `known` of itself; an error in one line where it fails.

    With `without` a failure is no error: it is named in `unknown`, and what is known is said all the same.
    """

    def told(found: Reply) -> Reply:
        if "error" not in found:
            return {"version": VERSION, **(known or {}), **found}
        if without is None:
            return found
        return {"version": VERSION, **(known or {}), **without, "unknown": [found["error"]]}

    return _apart(state, function, told)


def _wrong(state: Any, schema: str | None) -> Reply | None:
    """The error of a name that means no schema here."""
    search = getattr(state.app, "scrypath", None)
    try:
        if search is not None and schema:
            search.schemas.all_of(schema)
    except ScrypathError as exc:
        return {"error": str(exc)}
    return None


def _apart(state: Any, function: Callable[[Runtime], Reply], finish: Finish) -> Reply | Deferred:
    """Look beside the event loop, with the worker's runtime and short time limits."""
    from ..operator.probe import with_timeouts

    search = getattr(state.app, "scrypath", None)
    if search is None:
        return {"error": f"the Celery app {state.app.main!r} of this worker has no Scrypath"}

    try:
        # Built here, where it is built once: a child would import the engine's client for each look.
        runtime = with_timeouts(search.runtime, connect=CONNECT, answer=ANSWER)
    except ScrypathError as exc:
        return {"error": str(exc)}
    worker, look = this_worker(state.app), partial(function, runtime)
    if worker is not None:
        later = worker.desk.defer(state, look, seconds=LIMIT, fork=_forks(state), finish=finish)
        if later is not None:
            return later
    return finish(look_apart(look, seconds=LIMIT, fork=_forks(state)))


def _tally(state: Any) -> Reply:
    """What this worker has done since it started, and its relay; None where it does not consume our queue."""
    worker = this_worker(state.app)
    if worker is None:
        return {"counters": None, "relay": None}
    found = worker.tally.read()
    return {"counters": {"since": found["since"], **found["counts"]}, "relay": found["relay"]}


def _chosen(runtime: Runtime, schema: str | None) -> list[Schema]:
    return list(runtime.schemas.all_of(schema)) if schema else list(runtime.schemas)


def _forks(state: Any) -> bool:
    pool = getattr(getattr(state, "consumer", None), "pool", None)
    return type(pool).__module__ == "celery.concurrency.prefork"


def _publish(state: Any, index: str, ids: tuple[int, ...]) -> None:
    """Publish from the event loop itself, as the relay's timer does; where it fails the relay publishes later."""
    search = state.app.scrypath
    shown = options(search.schemas.by_uid(index).name, ids, Cause.SYNC, None)
    message = {"args": (index, list(ids)), "kwargs": {"operation": Cause.SYNC.value}}
    try:
        state.app.tasks[SYNC].apply_async(**message, retry=False, **shown, **to_queue(search.options.queue))
    except state.app.connection_for_write().connection_errors:
        return
