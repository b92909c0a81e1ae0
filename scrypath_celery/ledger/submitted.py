"""Concluding submitted works once the engine is done with their tasks."""

from __future__ import annotations

from sqlalchemy import Connection, update

from ..work import ClaimState, State
from . import claims, works
from .clock import now
from .tables import in_state, work


def conclude(connection: Connection, token: str, *, fine: bool) -> int:
    """Settle the submitted works of a claim: succeeded where all its tasks did, else ready again; how many works.

    Which documents are to blame is found by the claim that runs them next, so no attempt is spent here.
    """
    submitted = works.of_claim(token) & in_state(State.SUBMITTED)
    if fine:
        values = {"state": State.SUCCEEDED.value, "finished_at": now(), "reason": None, "reason_class": None}
    else:
        values = {"state": State.RETRYING.value, "available_at": now(), "publish_after": now()}
    changed = connection.execute(update(work).where(submitted).values(**values)).rowcount
    claims.end(connection, token, ClaimState.DONE)
    return changed
