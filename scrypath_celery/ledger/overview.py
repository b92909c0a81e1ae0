"""What operators ask of the ledger: read-only queries whose cost follows the backlog, not the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, Text, bindparam, func, select, type_coerce

from ..work import OPEN, PRIORITY, READY, ClaimState, ReasonClass, State, Work
from . import works
from .clock import now
from .tables import claim, in_state, work


@dataclass(frozen=True, kw_only=True)
class FailedGroup:
    """Works of one index, state and reason class; `first` is the lowest of their ids."""

    index_uid: str
    state: State
    reason_class: ReasonClass
    count: int
    first: int


def time(connection: Connection) -> float:
    """The database's time, in seconds since the epoch."""
    return float(connection.execute(select(now())).scalar_one())


def oldest_due(connection: Connection, index_uid: str) -> float | None:
    """For how many seconds the work of an index that waits longest has been due; None where nothing is due.

    What waits for a later try is not due yet; what runs, or waits for the engine, still is.
    """
    ages = connection.execute(_oldest_of_each(), {"uid": index_uid}).one()
    longest = max((float(age) for age in ages if age is not None), default=-1.0)
    return longest if longest >= 0.0 else None


@cache
def _oldest_of_each() -> Select[Any]:
    """The ages of the oldest works of each state and priority: each is a range of the index in its own order."""
    found = []
    for state in OPEN:
        for priority in sorted(set(PRIORITY.values())) if state in READY else (None,):
            query = select(now() - work.c.available_at).where(in_state(state), work.c.index_uid == bindparam("uid"))
            query = query if priority is None else query.where(work.c.priority == priority)
            found.append(query.order_by(work.c.available_at).limit(1).scalar_subquery())
    return select(*found)


def last_succeeded(connection: Connection, index_uid: str) -> float | None:
    """When the newest success of an index was settled."""
    query = (
        select(work.c.finished_at)
        .where(in_state(State.SUCCEEDED), work.c.index_uid == index_uid, work.c.finished_at.is_not(None))
        .order_by(work.c.finished_at.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def groups(connection: Connection, states: Sequence[State], *, index_uid: str | None = None) -> list[FailedGroup]:
    """Works in these states by index, reason class and state."""
    found: list[FailedGroup] = []
    for state in states:  # one state at a time: that of dead letters is counted in an index of its own
        query = select(work.c.index_uid, work.c.reason_class, func.count(), func.min(work.c.id)).where(in_state(state))
        if index_uid is not None:
            query = query.where(work.c.index_uid == index_uid)
        for uid, reason_class, count, first in connection.execute(
            query.group_by(work.c.index_uid, work.c.reason_class)
        ):
            reason = ReasonClass.read(reason_class)
            group = FailedGroup(index_uid=uid, state=state, reason_class=reason, count=int(count), first=int(first))
            found.append(group)
    return sorted(found, key=lambda group: (group.index_uid, group.reason_class, group.state))


def works_of(connection: Connection, index_uid: str, document_id: str, limit: int) -> list[Work]:
    """The newest works of an index that name this document; reads all of its works that are still kept."""
    text = type_coerce(work.c.ids, Text)
    query = (
        select(work)
        .where(work.c.index_uid == index_uid, text.contains(f'"{document_id}"', autoescape=True))
        .order_by(work.c.id.desc())
        .limit(limit)
    )
    # LIKE may ignore case: what it finds is compared again.
    return [item for row in connection.execute(query) if document_id in (item := works.record(row)).ids]


def claim_of(connection: Connection, token: str) -> Row[Any] | None:
    """The claim of this token, where it is still kept."""
    return connection.execute(select(claim).where(claim.c.token == token)).one_or_none()


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """A document whose projection hangs: its work, for how long (seconds), and in which worker."""

    work_id: int | None
    document_id: str
    seconds: float
    worker: str


def stuck(connection: Connection, index_uid: str) -> list[Stuck]:
    """The documents of an index whose projection hangs now, longest first."""
    query = (
        select(claim.c.token, claim.c.stuck_id, claim.c.worker, (now() - claim.c.stuck_since).label("seconds"))
        .where(claim.c.state == ClaimState.HELD.value, claim.c.index_uid == index_uid)
        .where(claim.c.stuck_id.is_not(None))
        .order_by(claim.c.stuck_since)
    )
    found = []
    for row in connection.execute(query):
        held = next((item.id for item in works.running(connection, row.token) if row.stuck_id in item.left), None)
        seconds = max(float(row.seconds), 0.0)
        found.append(Stuck(work_id=held, document_id=row.stuck_id, seconds=seconds, worker=row.worker or ""))
    return found


@dataclass(frozen=True, kw_only=True)
class HeldClaim:
    """A claim that a worker holds: its works and documents, how old it is and until when it is held (seconds).

    `hangs` is the document whose projection hangs, `hangs_for` since how long (seconds).
    """

    index: str
    number: int
    worker: str
    works: tuple[int, ...]
    documents: int
    age: float
    lease: float
    hangs: str | None = None
    hangs_for: float | None = None


def held(connection: Connection, limit: int = 1_000) -> list[HeldClaim]:
    """The claims that are held now, oldest first."""
    columns = (now() - claim.c.created_at, claim.c.lease_until - now(), now() - claim.c.stuck_since)
    names = ("age", "lease", "stuck_for")
    query = (
        select(claim, *(column.label(name) for column, name in zip(columns, names, strict=True)))
        .where(claim.c.state == ClaimState.HELD.value)
        .order_by(claim.c.created_at)
        .limit(limit)
    )
    return [
        HeldClaim(
            index=row.index_uid,
            number=row.number,
            worker=row.worker or "",
            works=tuple(item.id for item in works.running(connection, row.token)),
            documents=len(row.ids),
            age=round(max(float(row.age), 0.0), 1),
            lease=round(float(row.lease), 1),
            hangs=row.stuck_id,
            hangs_for=None if row.stuck_for is None else round(max(float(row.stuck_for), 0.0), 1),
        )
        for row in connection.execute(query).all()
    ]
