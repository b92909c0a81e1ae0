"""Attaching to somebody else's Celery app: as a guest that changes nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConfigError
from .tasks import register

if TYPE_CHECKING:
    from celery import Celery

STEPS = ("scrypath_celery.worker.relay_step:RelayStep", "scrypath_celery.worker.listen_step:ListenStep")


def attach(app: Celery, owner: Any) -> None:
    """Make an app know its `Scrypath`: tasks, steps of its workers, and the queue. Reads no configuration.

    Raises:
        ConfigError: it is no Celery app, or has another `Scrypath` already.
    """
    from celery import Celery

    if not isinstance(app, Celery):
        raise ConfigError(f"celery_app must be a Celery app, not {type(app).__name__}")
    there = getattr(app, "scrypath", None)
    if there is None:
        app.scrypath, owner.celery_app = owner, app
        register(app, owner)
        app.steps["consumer"].update(STEPS)
    elif there is not owner:
        raise ConfigError(f"the Celery app {app.main!r} has a Scrypath already: attach models to that one")

    def add_queue(sender: Any = None, **kwargs: Any) -> None:
        for queue in filter(None, (owner.options.queue, owner.options.bulk_queue)):
            _add_queue(app, queue)

    if app.configured:
        add_queue()
    else:
        app.on_after_configure.connect(add_queue, weak=False)


def _add_queue(app: Celery, name: str) -> None:
    """Add our queue where the host names its queues, or allows no others, and ours is not among them."""
    queues = app.amqp.queues
    if (app.conf.task_queues or not app.conf.task_create_missing_queues) and name not in queues:
        if queues.consume_from is queues:
            # Before Celery 5.7 a worker that names no queues consumes from all that there are, also later ones.
            queues.select(list(queues))
        queues.add(queues.new_missing(name))
