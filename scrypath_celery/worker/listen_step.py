"""The worker's ear: where PostgreSQL tells of works that triggers have written, they are run at once."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from celery import bootsteps
from celery.utils import uuid

from ..ledger.notifications import can_listen
from .listener import Listener, chosen, meant
from .messages import SYNC, named

logger = logging.getLogger("scrypath_celery")

LOOK = 0.1
"""Seconds between two looks where the worker has no event loop that says when there is something to read."""
AGAIN = 5.0
"""Seconds after which a listener that ended is replaced."""


class ListenStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Listens in workers that consume our queue, with the option `ledger_notify`; anew with each reconnect."""

    requires: ClassVar[set[str]] = {"celery.worker.consumer.tasks:Tasks"}

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._search = parent.app.scrypath
        self._listener: Listener | None = None
        self._timers: list[Any] = []

    def include_if(self, parent: Any) -> bool:
        """Whether the worker listens."""
        options = self._search.options
        if not options.ledger_notify or options.queue not in parent.app.amqp.queues.consume_from:
            return False
        if not can_listen(self._search.ledger.database):
            logger.warning("ledger_notify needs PostgreSQL with psycopg 3: works of triggers wait for the relay")
            return False
        if chosen(parent.pool) is None:
            logger.warning("ledger_notify needs a prefork, threads or solo pool: works of triggers wait for the relay")
            return False
        return True

    def start(self, parent: Any) -> None:
        """Begin to listen."""
        self._listener = Listener(lambda: self._search.ledger.database, fork=bool(chosen(parent.pool)))
        if parent.hub is not None:
            parent.hub.add_reader(self._listener.receiver, self._read, parent)
        else:
            self._timers.append(parent.timer.call_repeatedly(LOOK, self._read, (parent,)))

    def stop(self, parent: Any) -> None:
        """Listen no longer."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self._listener is not None:
            if parent.hub is not None:
                parent.hub.remove(self._listener.receiver)
            self._listener.close()
            self._listener = None

    shutdown = stop

    def _read(self, parent: Any) -> None:
        if self._listener is None:
            return
        try:
            told = self._listener.read()
        except EOFError:
            logger.warning("the listener for notifications has ended: another one is started")
            self.stop(parent)
            self._timers.append(parent.timer.call_after(AGAIN, self.start, (parent,)))
            return
        for uid in meant(told, [schema.uid for schema in self._search.schemas]):
            try:
                self._nudge(parent.app, uid)
            except Exception as exc:  # noqa: BLE001 - each transport has errors of its own; the relay finds the works
                logger.debug("a message could not be sent (%s)", type(exc).__name__)

    def _nudge(self, app: Any, uid: str) -> None:
        """Let a task run what is ready of an index."""
        options = self._search.options
        message = app.amqp.create_task_message(
            uuid(),
            SYNC,
            (uid, []),
            {},
            expires=options.relay_period,
            ignore_result=True,
            argsrepr=f"{named(self._search.schemas, uid)}: written by triggers",
        )
        with app.producer_or_acquire(None) as producer:
            queue = app.amqp.queues[options.queue]
            app.amqp.send_task_message(producer, SYNC, message, queue=queue, retry=False, serializer="json")
