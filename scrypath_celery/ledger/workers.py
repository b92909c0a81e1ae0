"""Which processes there are, as they note it: so that a worker that is silent can be named, and who sends where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, delete, select, update

from ..work import ClaimState
from .clock import now
from .destinations import Destination
from .tables import claim, worker

NOTED = 30.0
"""Seconds between two notes of one process."""
KNOWN = 3_600.0
"""Seconds after its last note for which a worker that did not shut down is expected to answer."""


class Kind(StrEnum):
    """What a process is: a Celery worker, or another one (an application's) that was seen to send elsewhere."""

    WORKER = "worker"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A worker (its node name): how long ago (seconds) it was seen, None where a claim alone names it; its claims."""

    name: str
    ago: float | None
    claims: int = 0


def note(connection: Connection, name: str, to: Destination | None = None, *, kind: Kind = Kind.WORKER) -> None:
    """Note that this process is there and where it sends, unless it was noted so a moment ago.

    With a new one those are forgotten that were not seen for long.
    """
    row = connection.execute(select(worker.c.seen_at, worker.c.sends_to).where(worker.c.name == name)).one_or_none()
    values: dict[str, Any] = {"seen_at": now()} if to is None else {"seen_at": now(), "sends_to": to.written()}
    if row is None:
        connection.execute(delete(worker).where(worker.c.seen_at < now() - KNOWN))
        connection.execute(worker.insert().values(name=name, kind=kind.value, **values))
        return
    this = worker.c.name == name
    if to is None or (row.sends_to is not None and to.is_as(Destination.read(row.sends_to))):
        this &= (worker.c.seen_at < now() - NOTED) | (worker.c.seen_at > now() + 1.0)
        if to is not None and to.task is None:  # what another of its processes has seen stands
            del values["sends_to"]
    connection.execute(update(worker).where(this).values(**values))


def forget(connection: Connection, name: str) -> None:
    """Note that this process has shut down."""
    connection.execute(delete(worker).where(worker.c.name == name))


def known(connection: Connection) -> list[Seen]:
    """The workers that were seen lately or hold a claim, by name."""
    query = select(worker.c.name, (now() - worker.c.seen_at).label("ago")).where(
        worker.c.seen_at > now() - KNOWN, worker.c.kind == Kind.WORKER.value
    )
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
