"""Claims of which a request may still land after they ended: kept and watched in the engine's list of tasks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, update

from ..declaration.generation import FIRST
from ..work import ClaimState
from . import indexes
from .clock import now
from .tables import claim


def mark(connection: Connection, token: str, *, seen_uid: int | None, watch: float) -> bool:
    """Keep a claim because requests of it may still land, with the engine's newest task uid of this time.

    `seen_uid` is None where the engine could not be asked: then its list is watched from the start of the claim.
    False where it was unresolved already.
    """
    query = update(claim).where(claim.c.token == token, claim.c.state != ClaimState.UNRESOLVED.value)
    values = {"state": ClaimState.UNRESOLVED.value, "seen_uid": seen_uid, "watch_until": now() + watch}
    return connection.execute(query.values(**values)).rowcount > 0


def listed(connection: Connection, generation: int = FIRST, limit: int = 1_000) -> list[Row[Any]]:
    """Claims of a generation's indexes of which a request may still land, without their ids.

    Those come first that were watched least far.
    """
    columns = (claim.c.token, claim.c.index_uid, claim.c.engine_uids, claim.c.seen_uid)
    ours = indexes.in_generation(connection, claim.c.index_uid, generation)
    query = select(*columns).where(claim.c.state == ClaimState.UNRESOLVED.value, ours)
    return list(connection.execute(query.order_by(func.coalesce(claim.c.seen_uid, -1)).limit(limit)))


def ids(connection: Connection, uid: str) -> list[str]:
    """The ids of all claims of an index of which a request may still land, or landed nobody knows where."""
    query = select(claim.c.ids).where(claim.c.index_uid == uid, claim.c.state == ClaimState.UNRESOLVED.value)
    return list(dict.fromkeys(id for some in connection.execute(query).scalars() for id in some))


def ids_of(connection: Connection, token: str) -> tuple[str, ...]:
    """The document ids of a claim; none where it is forgotten."""
    return tuple(connection.execute(select(claim.c.ids).where(claim.c.token == token)).scalar() or ())


def seen(connection: Connection, tokens: Sequence[str], uid: int) -> int:
    """Note that unresolved claims were watched up to this engine task; how many had not been, or are over."""
    over = case((claim.c.watch_until < now(), ClaimState.DONE.value), else_=claim.c.state)
    behind = claim.c.seen_uid.is_(None) | (claim.c.seen_uid < uid) | (claim.c.watch_until < now())
    query = update(claim).where(claim.c.token.in_(tokens), claim.c.state == ClaimState.UNRESOLVED.value, behind)
    return connection.execute(query.values(seen_uid=uid, state=over)).rowcount
