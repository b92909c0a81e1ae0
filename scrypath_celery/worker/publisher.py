"""The publisher: hands committed work to Celery, so that a commit makes no network call."""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 - see below
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import tracing
from ..environment import variables
from ..errors import ScrypathError
from ..logs import log
from ..masking import masked
from ..work import BULK_CAUSES, Cause
from .messages import SYNC, options, to_queue
from .this_worker import this_worker

if TYPE_CHECKING:
    from celery import Celery

# The import above is for the Redis client, which makes it on its own first use; once the interpreter is ending that is
# refused, and a process that ends right after its first commit could not publish.

MESSAGE = 500
"""The most works that one message names."""
MERGE = 0.1
"""The least time (seconds) between two messages: what is committed meanwhile goes into the next one. A message for
each of many commits would keep the workers busy with tasks that find their work settled."""
TOLD = 5.0
"""The least time (seconds) between two notes that publications succeed: another process's may have failed."""
WAITING = 10_000
"""The most hand-overs that wait in memory; what does not fit is published by the relay."""


class Handover(NamedTuple):
    """Work ids of one index, what they were written for, and how many documents they hold (None: not known).

    `traceparents` name the spans in which they were handed over. A tuple, since each commit makes one.
    """

    index_uid: str
    ids: tuple[int, ...]
    cause: Cause = Cause.SYNC
    documents: int | None = None
    traceparents: tuple[str | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event of Celery's: its type, and what it says."""

    type: str
    fields: Mapping[str, Any]


Item = Handover | Event | None


class HandOvers:
    """What waits for the publisher's thread, and whether all of it is done.

    Its own, since the queue that green threads put in place of Python's cannot be asked whether its tasks are done.
    """

    def __init__(self) -> None:
        self._waiting: list[Item] = []
        self._changed = threading.Condition()
        self._left = 0

    def put(self, one: Item) -> bool:
        """Hand one over (None ends the thread); false where too many wait."""
        with self._changed:
            if len(self._waiting) >= WAITING:
                return False
            self._waiting.append(one)
            self._left += 1
            self._changed.notify_all()
            return True

    def take(self) -> list[Item]:
        """All that waits; waits for the first."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            taken, self._waiting = self._waiting, []
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
    None once one succeeds again, or now and then while they do, since another process's may have failed. `after` is
    called (in the thread) with the index of whatever was handed over. `name` gives the name under which an index is
    shown. Backfills and rebuilds go to `bulk_queue`, where one is named.
    """

    def __init__(
        self,
        app: Celery,
        queue_name: str,
        *,
        seconds: float,
        note: Callable[[str | None], None] | None = None,
        name: Callable[[str], str] = str,
        after: Callable[[str], None] = lambda index: None,
        bulk_queue: str | None = None,
    ) -> None:
        self._app, self._queue_name, self._seconds, self._name = app, queue_name, seconds, name
        self._note, self._failed = note or (lambda reason: None), False
        self._after = after
        self._bulk_queue = bulk_queue or queue_name
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._waiting = HandOvers()
        self._refused_until = self._told_until = 0.0

    def publish(
        self, index: str, ids: tuple[int, ...], *, cause: Cause = Cause.SYNC, documents: int | None = None
    ) -> None:
        """Hand work ids of one index over; never raises, never blocks."""
        traceparents = (tracing.traceparent(),)
        if not self._put(
            Handover(index_uid=index, ids=ids, cause=cause, documents=documents, traceparents=traceparents)
        ):
            log("publisher_behind", index=index, count=len(ids))

    def tell(self, events: Sequence[Event]) -> None:
        """Hand events over to those who watch Celery; never raises, never blocks. Nobody sends again what gets lost."""
        for one in events:
            self._put(one)

    def _put(self, one: Item) -> bool:
        if self._pid != os.getpid():
            self._start()
        return self._waiting.put(one)

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
            taken = _next(waiting)
            try:
                # Else the broker has just refused.
                if (taken.merged or taken.events) and time.monotonic() >= self._refused_until:
                    connection = connection or self._connect()
                    self._publish_all(connection, taken.merged)
                    self._tell_all(connection, taken.events)
            except Exception as exc:  # noqa: BLE001 - any failure of any transport: the relay publishes it again
                self._fail(exc, works=bool(taken.merged))
                _drop(connection)
                connection = None
            finally:
                waiting.done(taken.count)
            if taken.merged and not self._failed and time.monotonic() >= max(self._told_until, self._refused_until):
                self._succeeded()
            for index in dict.fromkeys(one.index_uid for one in taken.merged):
                self._after(index)
            if taken.ended:
                _drop(connection)
                return
            pause.wait(MERGE)

    def _publish_all(self, connection: Any, merged: Sequence[Handover]) -> None:
        for one in merged:
            for start in range(0, len(one.ids), MESSAGE):
                self._send(connection, one, one.ids[start : start + MESSAGE])
        if merged and self._failed:
            self._succeeded()

    def _succeeded(self) -> None:
        self._failed, self._told_until = False, time.monotonic() + TOLD
        self._tell(None)

    def _fail(self, exc: Exception, *, works: bool) -> None:
        self._refused_until = time.monotonic() + self._seconds
        if not works:
            log("events_not_sent", error=type(exc).__name__)
            return
        reason = f"{type(exc).__name__}: {masked(' '.join(str(exc).split()), self._secrets())}"[:300]
        log("publication_failed", error=reason)
        self._failed = True
        self._tell(reason)

    def _tell(self, reason: str | None) -> None:
        try:
            self._note(reason)
        except ScrypathError as exc:  # what cannot be noted was logged
            log("publication_not_noted", error=exc.code)

    def _secrets(self) -> dict[str, str]:
        with suppress(Exception):
            return {"password": str(self._app.connection_for_write().password or ""), **variables()}
        return variables()

    def _connect(self) -> Any:
        return bounded_connection(self._app, self._seconds)

    def _send(self, connection: Any, one: Handover, ids: Sequence[int]) -> None:
        producer = self._app.amqp.Producer(connection, auto_declare=False)
        documents = one.documents if len(ids) == len(one.ids) else None
        name, cause = self._name(one.index_uid), one.cause
        with tracing.span(
            "publish",
            kind="producer",
            links=one.traceparents,
            schema=name,
            operation=cause.value,
            works=len(ids),
        ):
            self._app.tasks[SYNC].apply_async(
                args=(one.index_uid, list(ids)),
                kwargs={"operation": cause.value},
                producer=producer,
                retry=False,
                headers=tracing.headers(),
                **options(name, ids, cause, documents),
                **to_queue(self._bulk_queue if cause in BULK_CAUSES else self._queue_name),
            )

    def _tell_all(self, connection: Any, events: Sequence[Event]) -> None:
        if not events:
            return
        worker = this_worker(self._app)
        node = worker.node if worker is not None else f"scrypath@{socket.gethostname()}"
        dispatcher = self._app.events.Dispatcher(connection, hostname=node, buffer_while_offline=False)
        with dispatcher:
            for one in events:
                dispatcher.send(one.type, **one.fields)


@dataclass(kw_only=True)
class _Taken:
    """What waited: hand-overs, merged (one message can name many works), events; whether the end was among it."""

    merged: Sequence[Handover]
    events: list[Event] = field(default_factory=list)
    count: int
    ended: bool


def _next(waiting: HandOvers) -> _Taken:
    taken = waiting.take()
    merged: dict[tuple[str, Cause], Handover] = {}
    for one in taken:
        if isinstance(one, Handover):
            key = one.index_uid, one.cause
            merged[key] = _together(merged[key], one) if key in merged else one
    events = [one for one in taken if isinstance(one, Event)]
    return _Taken(merged=list(merged.values()), events=events, count=len(taken), ended=None in taken)


def _together(one: Handover, other: Handover) -> Handover:
    known = one.documents is not None and other.documents is not None
    documents = (one.documents or 0) + (other.documents or 0) if known else None
    traceparents = (*one.traceparents, *other.traceparents)[: tracing.MAX_LINKS]
    return one._replace(ids=(*one.ids, *other.ids), documents=documents, traceparents=traceparents)


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
