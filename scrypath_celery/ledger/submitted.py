"""Works that wait for the engine's verdict, and concluding them once it is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, exists, select, update

from ..declaration.generation import FIRST
from ..work import ClaimState, State, Work
from . import claims, works
from .clock import now
from .indexes import in_generation
from .tables import claim, in_state, work


def awaiting(connection: Connection, generation: int = FIRST, limit: int = 100) -> list[Row[Any]]:
    """Claims of a generation's indexes with works that wait for the engine's verdict, oldest first.

    One that is unresolved may have some, too. `at` is the time, `age` that of the claim in seconds.
    """
    theirs = (work.c.index_uid == claim.c.index_uid) & (work.c.claim_number == claim.c.number)
    has_some = exists().where(theirs, work.c.claim_token == claim.c.token, in_state(State.SUBMITTED))
    columns = (
        *(claim.c.token, claim.c.index_uid, claim.c.engine_uids),
        *(now().label("at"), (now() - claim.c.created_at).label("age")),
    )
    submitted = claim.c.state.in_([ClaimState.SUBMITTED.value, ClaimState.UNRESOLVED.value])
    query = select(*columns).where(submitted, has_some, in_generation(connection, claim.c.index_uid, generation))
    return list(connection.execute(query.order_by(claim.c.created_at).limit(limit)))


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
