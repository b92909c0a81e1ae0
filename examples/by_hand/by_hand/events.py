"""From a change in a session to a task: noted when it is flushed, sent once it is committed."""

from __future__ import annotations

import logging
from typing import Any

from kombu.exceptions import OperationalError
from sqlalchemy import event
from sqlalchemy.orm import Session, sessionmaker

from .tasks import index_item, remove_item

log = logging.getLogger(__name__)

CHANGED, DELETED = "by_hand.changed", "by_hand.deleted"
PUBLISHING = {"max_retries": 1, "interval_start": 0.1}
"""How long a commit waits for a broker that is away."""


def follow(model: type[Any], sessions: sessionmaker[Session]) -> None:
    """Keep the index in step with the records of a class that these sessions write."""

    def note(session: Session, context: Any) -> None:
        changed, deleted = session.info.setdefault(CHANGED, set()), session.info.setdefault(DELETED, set())
        for record in (*session.new, *session.dirty, *session.deleted):
            if isinstance(record, model):
                gone = record in session.deleted
                (deleted if gone else changed).add(record.id)
                (changed if gone else deleted).discard(record.id)

    event.listen(sessions, "after_flush", note)
    event.listen(sessions, "after_commit", _send)
    event.listen(sessions, "after_rollback", _forget)


def _send(session: Session) -> None:
    for kind, task in ((CHANGED, index_item), (DELETED, remove_item)):
        for id in session.info.pop(kind, ()):
            try:
                task.apply_async((id,), retry_policy=PUBLISHING)
            except OperationalError:
                log.warning("the broker is away: the index is not told of item %s", id)


def _forget(session: Session) -> None:
    session.info.pop(CHANGED, None)
    session.info.pop(DELETED, None)
