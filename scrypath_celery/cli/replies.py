"""Asking all workers, and taking their replies in whatever serializer the application uses, pickle included."""

from __future__ import annotations

import io
import pickle
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from celery import Celery

JSON, PICKLE = "application/json", "application/x-python-serialize"


class Plain(pickle.Unpickler):
    """Unpickles plain values alone: what names a class or a function of whatever module is refused.

    Who may write to the broker may write to the queue of our replies, too: nothing is called for what is found there.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Refuse.

        Raises:
            UnpicklingError: always.
        """
        raise pickle.UnpicklingError(f"{module}.{name} is no plain value")


def ask_workers(app: Celery, connection: Any, command: str, seconds: float) -> list[dict[str, Any]]:
    """What the workers reply to a command within `seconds`: for each a mapping of its node name and its reply.

    With a mailbox of our own: the app's publishes over its pool, whose connections may hang. A reply that cannot be
    read without calling anything is left out.
    """
    from kombu import Consumer
    from kombu.pidbox import Mailbox
    from kombu.utils.uuid import uuid

    accepted = [str(name) for name in app.conf.accept_content or ()]
    mailbox = Mailbox(
        app.conf.control_exchange,
        type="fanout",
        connection=connection,
        accept=accepted,
        serializer=_spoken(accepted, str(app.conf.task_serializer)),
        reply_queue_expires=app.conf.control_queue_expires,
    )
    replies: list[dict[str, Any]] = []
    ticket, end = uuid(), time.monotonic() + seconds

    def take(message: Any) -> None:
        found = decoded(message, accepted) if message.headers.get("ticket") == ticket else None
        if isinstance(found, dict):
            replies.append(found)

    with connection.channel() as channel:
        # Private: kombu's own calls wait for replies with a consumer that raises on the first one it cannot read.
        mailbox._publish(command, {}, reply_ticket=ticket, channel=channel, timeout=seconds)
        queue = mailbox.reply_queue
        try:
            with Consumer(channel, [queue], on_message=take, no_ack=True):
                while (left := end - time.monotonic()) > 0:
                    try:
                        connection.drain_events(timeout=left)
                    except TimeoutError:
                        break
        finally:
            channel.after_reply_message_received(queue.name)
    return replies


def decoded(message: Any, accepted: Sequence[str]) -> Any:
    """The body of a reply; None where it cannot be read, or is of a kind that the application does not accept.

    JSON is always taken, and plain values of pickle, which no application can be hurt by.
    """
    from kombu.exceptions import KombuError
    from kombu.serialization import loads

    try:
        if message.content_type == PICKLE:
            body = message.body
            return Plain(io.BytesIO(body if isinstance(body, bytes) else body.encode("latin-1"))).load()
        return loads(message.body, message.content_type, message.content_encoding, accept={JSON, *_types(accepted)})
    except (KombuError, pickle.UnpicklingError, ValueError, EOFError, TypeError, AttributeError, IndexError, KeyError):
        return None


def _types(accepted: Sequence[str]) -> set[str]:
    """The content types that these names mean, without pickle's."""
    from kombu.serialization import prepare_accept_content

    found: set[str] = prepare_accept_content(accepted) or set()
    return found - {PICKLE}


def _spoken(accepted: Sequence[str], serializer: str) -> str:
    """The serializer that the workers of an application take a question in."""
    return "json" if not accepted or {"json", JSON} & set(accepted) else serializer
