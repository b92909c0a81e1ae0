"""Which Celery workers there are, as they note it themselves: so that one that does not answer can be named."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from ..work import ClaimState
from .clock import now
from .tables import claim, worker

NOTED = 30.0
"""Seconds between two notes of one worker."""
KNOWN = 3_600.0
"""Seconds after its last note for which a worker that did not shut down is expected to answer."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A worker (its node name): how long ago (seconds) it was seen, None where a claim alone names it; its claims."""

    name: str
    ago: float | None
    claims: int = 0


def note(connection: Connection, name: str) -> None:
    """Note that this worker is there, unless it was noted a moment ago; forget those that were not seen for long."""
    at = connection.execute(select(worker.c.seen_at).where(worker.c.name == name)).scalar()
    if at is None:
        connection.execute(delete(worker).where(worker.c.seen_at < now() - KNOWN))
        connection.execute(worker.insert().values(name=name, seen_at=now()))
        return
    old = (worker.c.seen_at < now() - NOTED) | (worker.c.seen_at > now() + 1.0)
    connection.execute(update(worker).where(worker.c.name == name, old).values(seen_at=now()))


def forget(connection: Connection, name: str) -> None:
    """Note that this worker has shut down."""
    connection.execute(delete(worker).where(worker.c.name == name))


def known(connection: Connection) -> list[Seen]:
    """The workers that were seen lately or hold a claim, by name."""
    query = select(worker.c.name, (now() - worker.c.seen_at).label("ago")).where(worker.c.seen_at > now() - KNOWN)
    ago = {row.name: max(float(row.ago), 0.0) for row in connection.execute(query)}
    held: dict[str, int] = {}
    holders = select(claim.c.worker).where(claim.c.state == ClaimState.HELD.value)
    for text in connection.execute(holders).scalars():
        name = node_of(text or "")
        if name:
            held[name] = held.get(name, 0) + 1
    return [Seen(name=name, ago=ago.get(name), claims=held.get(name, 0)) for name in sorted({*ago, *held})]


def node_of(identity: str) -> str:
    """The node name in what a claim names as its worker (host, system, process, thread, node); empty for others."""
    return (identity.split(":", 3) + [""] * 4)[3]
