"""Works that wait for the engine's verdict, and concluding them once it is there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from ..work import ClaimState, State, Work
from . import claims, works
from .clock import now
from .tables import in_state, work


def waiting(connection: Connection, token: str) -> list[Work]:
    """The submitted works of a claim, locked until the transaction ends."""
    query = select(work).where(works.of_claim(token), in_state(State.SUBMITTED)).order_by(work.c.id)
    return [works.record(row) for row in connection.execute(query.with_for_update())]


def conclude(connection: Connection, token: str, ids: Sequence[int]) -> int:
    """Settle these submitted works of a claim as succeeded; how many."""
    if not ids:
        return 0
    values = {"state": State.SUCCEEDED.value, "finished_at": now(), "reason": None, "reason_class": None, "trial": None}
    query = update(work).where(work.c.id.in_(ids), works.of_claim(token), in_state(State.SUBMITTED))
    return connection.execute(query.values(**values)).rowcount


def release(connection: Connection, token: str, ids: Sequence[int], trial: str | None) -> int:
    """Make these submitted works of a claim ready again, in a group that is tried alone (None: in none); how many."""
    if not ids:
        return 0
    values = {"state": State.RETRYING.value, **dict.fromkeys(("finished_at", "available_at", "publish_after"), now())}
    query = update(work).where(work.c.id.in_(ids), works.of_claim(token), in_state(State.SUBMITTED))
    return connection.execute(query.values(**values, trial=trial)).rowcount


def end(connection: Connection, token: str) -> None:
    """End a claim of which no work waits any more."""
    if not waiting(connection, token):
        claims.end(connection, token, ClaimState.DONE)
