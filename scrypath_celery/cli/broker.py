"""Probe at the broker and the workers, for a bounded time also where the broker is frozen."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import BrokerError
from ..operator.broker import AnsweringWorker, Broker
from .replies import ask_workers

if TYPE_CHECKING:
    from celery import Celery

    from ..config import Options

T = TypeVar("T")

REPLIES = 1.0
"""How long replies of workers are waited for (seconds), as Celery's own `inspect` does."""


def look(app: Celery, options: Options) -> Broker:
    """The queue's depth and the workers that answer; takes a few times `broker_seconds` at most."""
    url = app.connection_for_read().as_uri()
    nothing = Broker(url=url, queue=options.queue, bulk_queue=options.bulk_queue)
    try:
        connection, (depth, bulk) = bounded(lambda: _depth(app, options), options.broker_seconds, url)
    except BrokerError as exc:
        return replace(nothing, unknown=str(exc))
    found = replace(nothing, depth=depth, bulk_depth=bulk)
    try:
        return replace(found, workers=_answering(app, options, connection, url))
    except BrokerError as exc:
        return replace(found, unknown=str(exc))


def _answering(app: Celery, options: Options, connection: Any, url: str) -> tuple[AnsweringWorker, ...]:
    """The workers that answer; asked again, once, where the connection broke."""
    wait = min(REPLIES, options.broker_seconds)
    last = False
    while True:
        try:
            return bounded(partial(_workers, app, connection, wait), wait + options.broker_seconds, url)
        except BrokerError as exc:
            if last or exc.__cause__ is None:
                raise
            last = True
        finally:
            connection.collect()  # unlike close() it does not speak to a broker that may be frozen
        connection, _ = bounded(lambda: _depth(app, options), options.broker_seconds, url)


def reach(app: Celery, options: Options) -> str | None:
    """None where the broker answers, else why it does not."""
    try:
        connection, _ = bounded(
            lambda: _depth(app, options), options.broker_seconds, app.connection_for_write().as_uri()
        )
    except BrokerError as exc:
        return str(exc)
    connection.collect()
    return None


def bounded(function: Callable[[], T], seconds: float, url: str) -> T:
    """What `function` returns, if it does within `seconds`.

    Timeouts of sockets bound a single call; a reconnection makes several. So it runs in a thread that is left behind
    where it takes longer.

    Raises:
        BrokerError: it took longer, or failed.
    """
    answers: queue.Queue[tuple[T | None, Exception | None]] = queue.Queue(1)

    def run() -> None:
        try:
            answers.put((function(), None))
        except Exception as exc:  # noqa: BLE001 - each transport has errors of its own; the caller gets it
            answers.put((None, exc))

    threading.Thread(target=run, name="scrypath-broker", daemon=True).start()
    try:
        result, error = answers.get(timeout=seconds)
    except queue.Empty:
        raise BrokerError(f"the broker at {url} did not answer within {seconds:g} s") from None
    if error is not None:
        raise BrokerError(f"the broker at {url} cannot be used ({type(error).__name__})") from error
    return result  # type: ignore[return-value]


def _depth(app: Celery, options: Options) -> tuple[Any, tuple[int, int | None]]:
    """A connection, and the depths of the queue and of that of backfills and rebuilds, where these have one."""
    from ..worker.publisher import bounded_connection

    connection = bounded_connection(app, options.broker_seconds)
    bulk = _messages(connection, options.bulk_queue) if options.bulk_queue else None
    return connection, (_messages(connection, options.queue), bulk)


def _messages(connection: Any, queue: str) -> int:
    with connection.channel() as channel:  # one of its own: RabbitMQ closes it where there is no such queue
        try:
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
        except connection.channel_errors:
            return 0  # an empty list is no key in Redis; in RabbitMQ nobody has declared the queue yet


def _workers(app: Celery, connection: Any, seconds: float) -> tuple[AnsweringWorker, ...]:
    replies = ask_workers(app, connection, "scrypath_schemas", seconds)
    return tuple(_worker(name, reply) for one in replies for name, reply in sorted(one.items()))


def _worker(name: str, reply: Any) -> AnsweringWorker:
    # A worker without this package says that it does not know the question; it answered all the same.
    known = reply if isinstance(reply, dict) else {}
    return AnsweringWorker(name=name, queues=tuple(known.get("queues", ())), declares=tuple(known.get("declares", ())))
