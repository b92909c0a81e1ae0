"""The Celery tasks. The ledger owns time and outcome; Celery shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from celery.exceptions import SoftTimeLimitExceeded

from .. import tracing
from ..convergence.executor import run_ready_works
from ..convergence.summary import Summary
from ..error_tracking import group_dead_letters
from ..errors import (
    DeadLettered,
    DeadLetteredElsewhere,
    LedgerError,
    LedgerMissing,
    LedgerOutdated,
    NotUnderstood,
    Unsettled,
)
from ..ledger import ready
from ..rebuild.runner import drive, expire
from ..runtime import Runtime
from ..work import Cause
from .ending import Ending, to_report, what_became
from .messages import RELAY, SYNC, labels, named, to_queue, understood
from .messages import options as message_options
from .publisher import Event
from .reporting import Report, reported
from .this_worker import count_task, make_pass, tell_seldom
from .verify_task import Verifier, register_verify

if TYPE_CHECKING:
    from celery import Celery

COUNTDOWN_MAX = 600.0
"""The longest countdown (seconds) given to a broker; longer waits live in the ledger alone."""
SHOWN = 60
"""Works that a result names: Celery shows no more than a thousand letters of it."""
DRIVEN = 15.0
"""The longest (seconds) that a task drives a rebuild at its end."""


class Owner(Verifier, Protocol):
    """What tasks need of the `Scrypath` that they belong to."""

    @property
    def runtime(self) -> Runtime: ...

    def tell(self, events: Sequence[Event]) -> None: ...

    def look_at_declarations(self) -> None: ...

    def look_at_destinations(self) -> None: ...


def register(app: Celery, owner: Owner) -> None:
    """Register our tasks with an app, derived from its own `Task`; every option is set on them alone."""

    def sync(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return _sync(self, owner, _here(owner, self), *understood(args, kwargs))

    def relay_pass(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        if args or kwargs:
            raise NotUnderstood(f"a message of another release for {RELAY}: this one takes no arguments")
        owner.look_at_declarations()
        owner.look_at_destinations()
        runtime = _here(owner, self)
        try:
            done = make_pass(app, runtime)
        except (LedgerMissing, LedgerOutdated) as exc:  # it lasts until an operator does something
            tell_seldom(app, exc)
            return {"ledger": exc.code}
        drive(runtime, seconds=DRIVEN, works=not runtime.options.bulk_queue)
        if done is not None:
            expire(runtime)
        return None if done is None else {name: count for name, count in vars(done).items() if count}

    common: dict[str, Any] = {
        "shared": False,  # otherwise every other app of this process would have them too, with our owner
        "serializer": "json",
        "ignore_result": True,
        "store_errors_even_if_ignored": False,
        "acks_late": True,
        "reject_on_worker_lost": True,
        "track_started": False,
        "throws": (DeadLettered, NotUnderstood),
        "rate_limit": None,
        # What a host annotates all tasks with would make ours something else, or (a limit below our own) refuse to be
        # published at all.
        "annotate": classmethod(lambda cls: None),
        "Strategy": "scrypath_celery.worker.strategy:json_only",
    }
    app.task(
        name=SYNC,
        bind=True,
        max_retries=None,
        default_retry_delay=30,
        soft_time_limit=120,
        time_limit=150,
        **common,
    )(sync)
    register_verify(app, owner, common)
    app.task(name=RELAY, bind=True, soft_time_limit=60, time_limit=90, send_events=False, **common)(relay_pass)


def _here(owner: Owner, task: Any) -> Runtime:
    """The runtime of a task, which knows the worker that it runs in."""
    eager = task.request.is_eager or task.request.called_directly
    return owner.runtime if eager else replace(owner.runtime, node=(task.request.hostname or "")[:80])


def limit_tasks(app: Celery) -> None:
    """Give our task the limits of the options, which are read no sooner than somebody publishes, or a worker starts.

    What a task is said to throw, Celery logs at INFO and error trackers leave out.
    """
    task, options = app.tasks[SYNC], app.scrypath.options
    task.soft_time_limit, task.time_limit = 0.8 * options.time_limit, options.time_limit
    task.throws = (DeadLetteredElsewhere if options.report_dead_letters else DeadLettered, NotUnderstood)


def _sync(task: Any, owner: Owner, runtime: Runtime, index: str, ids: list[int], cause: Cause) -> dict[str, Any]:
    """Run what is ready of an index, the named works among it.

    A message whose works are settled already is a nudge for what came after them.

    Ends in RETRY where works wait for another try, in FAILURE where some became dead letters: in both cases the
    ledger says so already, and a message that is lost now is made good by the relay. A dead letter is reported also
    where the ledger, or the time, fails before the task's end: nothing else would.
    """
    if runtime.schemas.by_uid(index) is None:
        return {"index": index, "declared": False}
    name, outcome = named(runtime.schemas, index), Summary()
    try:
        message = tracing.of_message(task.request.get("traceparent"))
        with message, reported(task, owner, runtime.schemas, index, cause) as report:
            _work(task, runtime, index, ids, cause, report, outcome)
        ending = what_became(runtime, task.request, index, ids, outcome)
    except (LedgerError, SoftTimeLimitExceeded) as exc:
        ending = to_report(outcome)
        if not ending.failed and isinstance(exc, LedgerError):
            # The database is unreachable: the rows say nothing, so only the message can come again.
            raise _again(task, runtime, index, ids, cause, Unsettled(f"{name}: {exc}"), 10.0) from exc
        if not ending.failed:
            raise
    told = summary(name, index, outcome)
    count_task(task.app, "failed" if ending.failed else "retried" if ending.waiting else "succeeded", outcome)
    if ending.failed:
        raise _dead_lettered(name, ending, told)
    if ending.waiting:
        raise _again(task, runtime, index, ending.waiting[:500], cause, Unsettled(f"{name}: {told}"), ending.retry_in)
    return told


def _again(
    task: Any, runtime: Runtime, index: str, ids: list[int], cause: Cause, why: Unsettled, seconds: float
) -> Exception:
    """What ends a task in RETRY: its message comes again, saying what it said."""
    again: Exception = task.retry(
        args=(index, ids),
        kwargs={"operation": cause.value},
        exc=why,
        countdown=min(seconds, COUNTDOWN_MAX),
        max_retries=None,
        throw=False,
        **message_options(named(runtime.schemas, index), ids, cause, None),
        **to_queue(_queue(task, runtime)),
    )
    return again


def _work(
    task: Any, runtime: Runtime, index: str, ids: list[int], cause: Cause, report: Report, outcome: Summary
) -> None:
    bulk, run = _is_bulk(task, runtime), partial(run_ready_works, task_id=task.request.id, progress=report.works)
    run(runtime, index, seconds=runtime.options.task_seconds, bulk=bulk, total=outcome)
    # Where nothing could be claimed (a pause, a trial) a message would only come again: that is the relay's.
    if outcome.claims and not (outcome.paused or outcome.held_back):
        left = runtime.ledger.read(lambda tx: ready.still_ready(tx, ids))
        if left:
            runtime.publish(index, tuple(left), cause=cause)
    # Also where it waits behind a backlog, the relay has its turn: any task's end will do. So has a rebuild.
    make_pass(task.app, runtime)
    drive(runtime, seconds=DRIVEN, progress=report.rebuild, works=bulk is not False)


def _is_bulk(task: Any, runtime: Runtime) -> bool | None:
    """Whether a message came on the queue of backfills and rebuilds; None where these have none of their own."""
    named = runtime.options.bulk_queue
    return (_queue(task, runtime) == named) if named else None


def _queue(task: Any, runtime: Runtime) -> str:
    """The queue that a message came on: its successor goes there, too."""
    known = {runtime.options.queue, runtime.options.bulk_queue}
    came = str((task.request.delivery_info or {}).get("routing_key") or "")
    return came if came in known else runtime.options.queue


def summary(name: str, index: str, outcome: Summary) -> dict[str, Any]:
    """What a task says of its work: ids and counts only."""
    settled = [*outcome.succeeded, *outcome.submitted, *outcome.retrying, *outcome.failed, *outcome.given_back]
    found: dict[str, Any] = {
        "schema": name,
        "index": index,
        "works": labels(settled, SHOWN),
        "claims": outcome.claims,
        "documents": outcome.documents,
        "succeeded": len(outcome.succeeded),
        "submitted": len(outcome.submitted),
        "retrying": len(outcome.retrying),
        "failed": len(outcome.failed),
    }
    if outcome.paused:
        found["paused"] = outcome.paused.value
    return found


def _dead_lettered(name: str, ending: Ending, told: dict[str, Any]) -> DeadLettered:
    group_dead_letters()  # here too: this process may not have settled any of them
    kinds = {id: (reason_class.value, ending.codes.get(id, "")) for id, reason_class in ending.failed.items()}
    shown = ", ".join(f"id={id} {' '.join(filter(None, kind))}" for id, kind in list(kinds.items())[:10])
    more = f" and {len(kinds) - 10} more" if len(kinds) > 10 else ""
    error = DeadLetteredElsewhere if ending.elsewhere else DeadLettered
    message = f"{name}: {len(kinds)} failed works: {shown}{more}; {told}"
    return error(message, schema=name, kinds=tuple(sorted(set(kinds.values()))))
