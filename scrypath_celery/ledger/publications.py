"""Whether committed work can be handed to Celery, as the processes that try note it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, select, update

from .clock import now
from .tables import ledger

FORGOTTEN = 1_800.0
"""Seconds after which a failure that was not repeated is over: the process that noted it may have ended since."""


@dataclass(frozen=True, kw_only=True)
class PublishFailure:
    """A publication of the last half hour that failed, since when none of its process has succeeded: when, and why.

    `at` is in seconds since the epoch.
    """

    at: float
    reason: str


def note(connection: Connection, reason: str | None) -> None:
    """Note why works could not be published; None where they could be again."""
    at = None if reason is None else now()
    text = None if reason is None else reason[:500]
    connection.execute(update(ledger).values(publish_failed_at=at, publish_failure=text))


def failing() -> ColumnElement[bool]:
    """Whether a process could not hand works over, and has not been able to since."""
    return ledger.c.publish_failed_at.is_not(None) & (ledger.c.publish_failed_at > now() - FORGOTTEN)


def failure(connection: Connection) -> PublishFailure | None:
    """The failure that was noted last, if works could not be published since."""
    columns = (ledger.c.publish_failed_at, ledger.c.publish_failure)
    row = connection.execute(select(*columns).where(failing()).limit(1)).one_or_none()
    return None if row is None else PublishFailure(at=row.publish_failed_at, reason=row.publish_failure or "")
