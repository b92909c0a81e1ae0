"""The tasks: one for each record that changed, tried again where something fails, and acknowledged when it is done."""

from __future__ import annotations

from typing import Any

from celery import Celery
from meilisearch.errors import MeilisearchCommunicationError, MeilisearchTimeoutError
from sqlalchemy.exc import DBAPIError

from . import config, index
from .database import Session
from .models import Item

app = Celery("by_hand", broker=config.BROKER)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": config.VISIBILITY,
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
    },
)

RETRIED: dict[str, Any] = {
    "autoretry_for": (MeilisearchCommunicationError, MeilisearchTimeoutError, DBAPIError),
    "max_retries": 10,
    "retry_backoff": True,
    "retry_backoff_max": 5,
}


@app.task(name="by_hand.index_item", **RETRIED)
def index_item(id: int) -> None:
    """Send the document of a record as it is now; one that is gone meanwhile has a task of its own."""
    with Session() as session:
        item = session.get(Item, id)
        document = None if item is None else item.document()
    if document is not None:
        index.add([document])


@app.task(name="by_hand.remove_item", **RETRIED)
def remove_item(id: int) -> None:
    """Remove the document of a record that was deleted."""
    index.remove(id)


@app.task(name="by_hand.rebuild", **RETRIED)
def rebuild() -> None:
    """Fill the index anew: build another one beside it, then swap the two."""
    from .rebuild import rebuild

    rebuild()
