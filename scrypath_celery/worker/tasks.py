"""The Celery tasks. The ledger owns time and outcome; Celery shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from ..convergence.executor import run_ready_works
from ..convergence.relay import relay
from ..convergence.summary import Summary
from ..errors import DeadLettered, LedgerError, NotUnderstood, Unsettled
from ..ledger import ready, works
from ..rebuild.runner import drive, expire
from ..runtime import Runtime

if TYPE_CHECKING:
    from celery import Celery

SYNC, RELAY = "scrypath.sync", "scrypath.relay"
COUNTDOWN_MAX = 600.0
"""The longest countdown (seconds) given to a broker; longer waits live in the ledger alone."""
DRIVEN = 15.0
"""The longest (seconds) that a task drives a rebuild at its end."""


def to_queue(name: str) -> dict[str, Any]:
    """The options of a message that goes to this queue and nowhere else.

    Celery merges what a route of the host names (`exchange`, `routing_key`, `serializer`) into options that lack it,
    also where they have a `queue`. The default exchange leads to the queue of the routing key's name on any broker.
    """
    return {"queue": name, "exchange": "", "routing_key": name, "serializer": "json"}


class Owner(Protocol):
    """What tasks need of the `Scrypath` that they belong to."""

    @property
    def runtime(self) -> Runtime: ...


def register(app: Celery, owner: Owner) -> None:
    """Register our tasks with an app, derived from its own `Task`; every option is set on them alone."""

    def sync(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return _sync(self, _here(owner, self), *_understood(args, kwargs))

    def relay_pass(self: Any, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        if args or kwargs:
            raise NotUnderstood(f"a message of another release for {RELAY}: this one takes no arguments")
        runtime = _here(owner, self)
        done = relay(runtime)
        drive(runtime, seconds=DRIVEN)
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
    app.task(name=RELAY, bind=True, soft_time_limit=60, time_limit=90, send_events=False, **common)(relay_pass)


def _here(owner: Owner, task: Any) -> Runtime:
    """The runtime of a task, which knows the worker that it runs in."""
    eager = task.request.is_eager or task.request.called_directly
    return owner.runtime if eager else replace(owner.runtime, node=(task.request.hostname or "")[:80])


def limit_tasks(app: Celery) -> None:
    """Give our task the limits of the options, which are read no sooner than somebody publishes, or a worker starts."""
    task, limit = app.tasks[SYNC], app.scrypath.options.time_limit
    task.soft_time_limit, task.time_limit = 0.8 * limit, limit


def _understood(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, list[int]]:
    match args:
        case (str() as index, list() as ids) if not kwargs and all(isinstance(id, int) for id in ids):
            return index, ids
    raise NotUnderstood(
        f"a message of another release for {SYNC}: this one takes the uid of an index and a list of work ids,"
        " and nothing else; the works stay in the ledger and are published again"
    )


def _sync(task: Any, runtime: Runtime, index: str, ids: list[int]) -> dict[str, Any]:
    """Run what is ready of an index, the named works among it.

    A message whose works are settled already is a nudge for what came after them.

    Ends in RETRY where works wait for another try, in FAILURE where some became dead letters: in both cases the
    ledger says so already, and a message that is lost now is made good by the relay.
    """
    if runtime.schemas.by_uid(index) is None:
        return {"index": index, "declared": False}
    try:
        outcome = _work(task, runtime, index, ids)
    except LedgerError as exc:  # the database is unreachable: the rows say nothing, so only the message can come again
        again = {"countdown": 10.0, "max_retries": None, **to_queue(runtime.options.queue)}
        raise task.retry(exc=Unsettled(f"{index}: {exc}"), **again) from exc
    if outcome.failed:
        raise DeadLettered(f"{index}: {_described(outcome.failed)}; {summary(index, outcome)}")
    waiting = [*outcome.retrying, *outcome.given_back]
    if waiting:
        raise task.retry(
            args=(index, waiting[:500]),
            exc=Unsettled(f"{index}: {summary(index, outcome)}"),
            countdown=min(outcome.retry_in, COUNTDOWN_MAX),
            max_retries=None,
            **to_queue(runtime.options.queue),
        )
    return summary(index, outcome)


def _work(task: Any, runtime: Runtime, index: str, ids: list[int]) -> Summary:
    outcome = Summary()
    if runtime.ledger.run(lambda tx: ready.any_ready(tx, index)):
        seconds = runtime.options.task_seconds
        outcome = run_ready_works(runtime, index, seconds=seconds, task_id=task.request.id)
        left = runtime.ledger.run(lambda tx: works.still_ready(tx, ids))
        # Where nothing could be claimed (a pause, a trial) a message would only come again: that is the relay's.
        if left and outcome.claims and not (outcome.paused or outcome.held_back):
            runtime.publish(index, tuple(left))
    # Also where it waits behind a backlog, the relay has its turn: any task's end will do. So has a rebuild.
    relay(runtime)
    drive(runtime, seconds=DRIVEN)
    return outcome


def summary(index: str, outcome: Summary) -> dict[str, Any]:
    """What a task says of its work: ids and counts only."""
    found: dict[str, Any] = {
        "index": index,
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


def _described(failed: dict[int, Any]) -> str:
    shown = ", ".join(f"id={id} {reason_class.value}" for id, reason_class in list(failed.items())[:10])
    more = f" and {len(failed) - 10} more" if len(failed) > 10 else ""
    return f"{len(failed)} failed works: {shown}{more}"
