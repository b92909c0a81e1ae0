"""How a worker takes in our messages: JSON only, whatever else the app accepts for its own tasks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery.worker.strategy import default

from ..logs import log


def json_only(task: Any, app: Any, consumer: Any, **kwargs: Any) -> Callable[..., Any]:
    """Celery's own strategy for messages in JSON; any other is rejected before its body is decoded."""
    handle = default(task, app, consumer, **kwargs)

    def task_message_handler(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any, **kw: Any) -> Any:
        if message.content_type != "application/json":
            log("message_refused", task=task.name, content_type=message.content_type)
            return message.reject()
        return handle(message, body, ack, reject, callbacks, **kw)

    return task_message_handler
