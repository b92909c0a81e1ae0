"""The worker's timer: sends a small expiring task that lets the relay make a pass.

A timer of the consumer, not a thread: a thread in the prefork main process deadlocks freshly forked children.
"""

from __future__ import annotations

import importlib
import threading
from functools import partial
from typing import Any, ClassVar

from celery import bootsteps
from celery.signals import worker_shutdown
from celery.utils import uuid

from ..convergence.relay import free
from ..errors import LedgerMissing, ScrypathError
from ..ledger import workers
from ..logs import log
from .kombu_fix import fix_redis
from .messages import RELAY
from .tasks import limit_tasks
from .this_worker import ATTRIBUTE, ThisWorker


class RelayStep(bootsteps.StartStopStep):  # type: ignore[misc]
    """Ticks only in workers that consume our queue; stopped and started again with each reconnect."""

    requires: ClassVar[set[str]] = {"celery.worker.consumer.tasks:Tasks"}

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._timer: Any = None
        self._search = parent.app.scrypath
        self._node = str(parent.hostname)[:80]
        _load(parent.app)
        # Before the pool is started, whose processes share it.
        if getattr(parent.app, ATTRIBUTE, None) is None:
            setattr(parent.app, ATTRIBUTE, ThisWorker(node=parent.hostname))
        self._desk = parent.app.scrypath_worker.desk
        limit_tasks(parent.app)
        fix_redis()
        importlib.import_module("scrypath_celery.worker.inspect")  # a worker started in-process loads no plug-ins

    def include_if(self, parent: Any) -> bool:
        return parent.app.scrypath.options.queue in parent.app.amqp.queues.consume_from

    def start(self, parent: Any) -> None:
        worker_shutdown.connect(self.release)  # connected once, however often the consumer starts
        period = parent.app.scrypath.options.relay_period
        self._timer = parent.timer.call_repeatedly(period, tick, (parent.app, period))
        tick(parent.app, period)

    def stop(self, parent: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._desk.close()

    shutdown = stop

    def release(self, **kwargs: Any) -> None:
        """At the end of a cold shutdown the pool is gone and what its processes had claimed is ready at once."""
        try:
            free(self._search.runtime)
            self._search.runtime.ledger.run(partial(workers.forget, name=self._node))
        except LedgerMissing:
            return  # without a ledger nothing was claimed
        except ScrypathError as exc:
            log("claim_not_released", error=exc.code)


def _load(app: Any) -> None:
    """Know the schemas; a worker that is a program of its own says in one line why it cannot start.

    Raises:
        ScrypathError: an option or a declaration is wrong, and the worker runs in a thread of something else.
    """
    try:
        app.scrypath.load()
    except ScrypathError as exc:
        if threading.current_thread() is not threading.main_thread():
            raise
        raise SystemExit(f"Error: the worker cannot start: {exc}") from exc


def tick(app: Any, period: float) -> None:
    """Send the task. Neither it nor its sending shows in Flower: there would be little else to see."""
    message = app.amqp.create_task_message(uuid(), RELAY, (), {}, expires=period, ignore_result=True)
    with app.producer_or_acquire(None) as producer:
        queue = app.amqp.queues[app.scrypath.options.queue]
        app.amqp.send_task_message(producer, RELAY, message, queue=queue, retry=False, serializer="json")
