"""What hangs: the document of a claim whose projection takes too long, noted while it does."""

from __future__ import annotations

from sqlalchemy import Connection, case, select, update

from ..work import ClaimState
from .clock import now
from .tables import claim


def mark(connection: Connection, token: str, *, id: str, seconds: float, lease: float) -> None:
    """Note that a document of this claim has been projected for so many `seconds`, and hold the claim for `lease`."""
    until = case((claim.c.lease_until > now() + lease, claim.c.lease_until), else_=now() + lease)
    query = update(claim).where(claim.c.token == token, claim.c.state == ClaimState.HELD.value)
    connection.execute(query.values(stuck_id=id, stuck_since=now() - seconds, lease_until=until))


def document_of(connection: Connection, token: str) -> str | None:
    """The document of this claim whose projection hangs, if one does."""
    return connection.execute(select(claim.c.stuck_id).where(claim.c.token == token)).scalar()


def forget(connection: Connection, token: str) -> None:
    """Note that nothing of this claim hangs any more."""
    connection.execute(update(claim).where(claim.c.token == token).values(stuck_id=None, stuck_since=None))
