"""The publisher: hands committed work to Celery, so that a commit makes no network call."""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 - see below
import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import ScrypathError
from ..masking import masked
from .tasks import SYNC, to_queue

if TYPE_CHECKING:
    from celery import Celery

# The import above is for the Redis client, which makes it on its own first use; once the interpreter is ending that is
# refused, and a process that ends right after its first commit could not publish.

logger = logging.getLogger("scrypath_celery")

MESSAGE = 500
"""The most works that one message names."""
MERGE = 0.1
"""The least time (seconds) between two messages: what is committed meanwhile goes into the next one. A message for
each of many commits would keep the workers busy with tasks that find their work settled."""
WAITING = 10_000
"""The most hand-overs that wait in memory; what does not fit is published by the relay."""


Handover = tuple[tuple[str, str], tuple[int, ...]]
"""An index and a queue, and ids of works."""


class HandOvers:
    """What waits for the publisher's thread, and whether all of it is done.

    Its own, since the queue that green threads put in place of Python's cannot be asked whether its tasks are done.
    """

    def __init__(self) -> None:
        self._queue: queue.Queue[Handover | None] = queue.Queue(WAITING)
        self._changed = threading.Condition()
        self._left = 0

    def put(self, one: Handover | None) -> bool:
        """Hand one over (None ends the thread); false where too many wait."""
        with self._changed:
            try:
                self._queue.put_nowait(one)
            except queue.Full:
                return False
            self._left += 1
            return True

    def take(self) -> list[Handover | None]:
        """All that waits; waits for the first."""
        taken = [self._queue.get()]
        with suppress(queue.Empty):
            while len(taken) < WAITING:
                taken.append(self._queue.get_nowait())
        return taken

    def done(self, count: int) -> None:
        """Note that so many were published or dropped."""
        with self._changed:
            self._left -= count
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left; whether it was in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._left == 0, seconds)


class Publisher:
    """One thread a process, started on first use (also after a fork), with a connection of its own.

    `seconds` bounds each publication, also to a broker that is frozen. What cannot be published is dropped here: its
    row is in the ledger, and the relay publishes it again. `note` is told (in the thread) why a publication failed, and
    None once one succeeds again.
    """

    def __init__(
        self, app: Celery, queue_name: str, *, seconds: float, note: Callable[[str | None], None] | None = None
    ) -> None:
        self._app, self._queue_name, self._seconds = app, queue_name, seconds
        self._note, self._failed = note or (lambda reason: None), False
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._waiting = HandOvers()
        self._refused_until = 0.0

    def publish(self, index: str, ids: tuple[int, ...], *, queue_name: str | None = None) -> None:
        """Hand work ids of one index over, for another queue than usual where it is named; never raises or blocks."""
        if self._pid != os.getpid():
            self._start()
        if not self._waiting.put(((index, queue_name or self._queue_name), ids)):
            logger.debug("the publisher is behind; the relay publishes the rest")

    def flush(self, seconds: float = 1.0) -> bool:
        """Wait until everything handed over was published or dropped; whether it was."""
        if self._pid != os.getpid():
            return True
        return self._waiting.wait(seconds)

    def close(self) -> None:
        """End the thread once what was handed over is published or dropped; a later hand-over starts another."""
        with self._lock:
            if self._pid == os.getpid():
                self._pid = None
                self._waiting.put(None)

    def _start(self) -> None:
        with self._lock:
            if self._pid == os.getpid():
                return
            self._waiting = HandOvers()
            thread = threading.Thread(target=self._run, args=(self._waiting,), name="scrypath-publisher", daemon=True)
            thread.start()
            self._pid = os.getpid()
            _flush_at_exit(weakref.ref(self))

    def _run(self, waiting: HandOvers) -> None:
        connection: Any = None
        pause = threading.Event()
        while True:
            merged, count, ended = _next(waiting)
            try:
                if merged and time.monotonic() >= self._refused_until:  # else the broker has just refused
                    connection = connection or self._connect()
                    self._publish_all(connection, merged)
            except Exception as exc:  # noqa: BLE001 - any failure of any transport: the relay publishes it again
                self._fail(exc)
                _drop(connection)
                connection = None
            finally:
                waiting.done(count)
            if ended:
                _drop(connection)
                return
            pause.wait(MERGE)

    def _publish_all(self, connection: Any, merged: dict[tuple[str, str], list[int]]) -> None:
        for (index, name), ids in merged.items():
            for start in range(0, len(ids), MESSAGE):
                self._send(connection, index, ids[start : start + MESSAGE], name)
        if self._failed:
            self._failed = False
            self._tell(None)

    def _fail(self, exc: Exception) -> None:
        reason = f"{type(exc).__name__}: {masked(' '.join(str(exc).split()), self._secrets())}"[:300]
        logger.warning("work could not be published (%s); the relay publishes it again", reason)
        self._refused_until = time.monotonic() + self._seconds
        self._failed = True
        self._tell(reason)

    def _tell(self, reason: str | None) -> None:
        try:
            self._note(reason)
        except ScrypathError as exc:  # what cannot be noted was logged
            logger.debug("a failed publication could not be noted (%s)", exc.code)

    def _secrets(self) -> dict[str, str]:
        with suppress(Exception):
            return {"password": str(self._app.connection_for_write().password or ""), **os.environ}
        return dict(os.environ)

    def _connect(self) -> Any:
        return bounded_connection(self._app, self._seconds)

    def _send(self, connection: Any, index: str, ids: list[int], queue_name: str) -> None:
        producer = self._app.amqp.Producer(connection, auto_declare=False)
        self._app.tasks[SYNC].apply_async(args=(index, ids), producer=producer, retry=False, **to_queue(queue_name))


def _next(waiting: HandOvers) -> tuple[dict[tuple[str, str], list[int]], int, bool]:
    """What waits, merged (one message can name many works); how many hand-overs; whether the end is among them."""
    taken = waiting.take()
    merged: dict[tuple[str, str], list[int]] = {}
    for one in taken:
        if one is not None:
            merged.setdefault(one[0], []).extend(one[1])
    return merged, len(taken), None in taken


def bounded_connection(app: Celery, seconds: float) -> Any:
    """A broker connection of its own on which no call takes much longer than `seconds`, also to a frozen broker.

    Redis bounds by `socket_timeout`, RabbitMQ by `read_timeout` and `write_timeout`; the app's own options stay.
    """
    connection = app.connection_for_write()
    options = dict(connection.transport_options)
    if connection.transport_cls in ("redis", "rediss", "sentinel"):
        options |= {"socket_timeout": seconds, "socket_connect_timeout": seconds, "retry_on_timeout": False}
    else:
        options |= {"read_timeout": seconds, "write_timeout": seconds}
    connection.transport_options = options
    connection.connect_timeout = seconds
    return connection.ensure_connection(max_retries=1, interval_start=0, timeout=seconds)


def _drop(connection: Any) -> None:
    if connection is not None:
        connection.collect()  # unlike close() it does not speak to a broker that may be frozen


def _flush_at_exit(publisher: weakref.ref[Publisher]) -> None:
    def flush() -> None:
        living = publisher()
        if living is not None:
            living.flush(1.0)

    atexit.register(flush)
