"""Attaching to somebody else's Celery app: as a guest that changes nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .tasks import register

if TYPE_CHECKING:
    from celery import Celery

STEP = "scrypath_celery.worker.relay_step:RelayStep"


def attach(app: Celery, owner: Any) -> None:
    """Make an app know its `Scrypath`: tasks, the relay's timer, and the queue. Reads no configuration.

    Raises:
        ConfigError: the app has another `Scrypath` already.
    """
    there = getattr(app, "scrypath", None)
    if there is owner:
        return
    if there is not None:
        raise ConfigError(f"the Celery app {app.main!r} has a Scrypath already: attach models to that one")
    app.scrypath = owner
    register(app, owner)
    app.steps["consumer"].add(STEP)

    def add_queue(sender: Any = None, **kwargs: Any) -> None:
        """Add our queue where the host names its queues and ours is not among them."""
        if app.conf.task_queues and owner.options.queue not in app.amqp.queues:
            app.amqp.queues.add(_queue(owner.options.queue))

    if app.configured:
        add_queue()
    else:
        app.on_after_configure.connect(add_queue, weak=False)


def _queue(name: str) -> Any:
    from kombu import Exchange, Queue

    return Queue(name, Exchange(name, type="direct"), routing_key=name)
