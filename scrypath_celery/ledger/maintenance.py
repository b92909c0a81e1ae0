"""Finding what unclaimed, and forgetting what nobody needs."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, select, update

from ..work import READY, ClaimState, Failure, ReasonClass, State
from . import claims, indexes, works
from .clock import now
from .tables import claim, index, ledger, work


def begin_pass(connection: Connection, period: float) -> bool:
    """Whether a pass of the relay is due now; if so it is the caller's."""
    query = update(ledger).where(ledger.c.relayed_at < now() - period)
    return connection.execute(query.values(relayed_at=now())).rowcount > 0


def due(connection: Connection, *, again: float, limit: int = 5_000) -> dict[str, list[int]]:
    """Ready works that nobody published lately, by index; they are not due again for `again` seconds.

    An index that is paused is left out until its pause is over.
    """
    resting = select(index.c.index_uid).where(index.c.paused_until > now())
    found: dict[str, list[int]] = {}
    for state in READY:
        query = (
            select(work.c.index_uid, work.c.id)
            .where(work.c.state == state.value, work.c.publish_after <= now(), work.c.available_at <= now())
            .where(work.c.index_uid.not_in(resting))
            .order_by(work.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        for uid, id in connection.execute(query):
            found.setdefault(uid, []).append(id)
    for ids in found.values():
        for start in range(0, len(ids), 1_000):
            chosen = work.c.id.in_(ids[start : start + 1_000])
            connection.execute(update(work).where(chosen).values(publish_after=now() + again))
    return found


def free(
    connection: Connection, *, max_claims: int, watch: float, is_dead: Callable[[str], bool] = lambda worker: False
) -> int:
    """Give back the works of claims whose lease ran out, or whose worker `is_dead`; how many claims.

    A work that was claimed again and again without a settlement is split until the document that hangs (or kills
    its process) stands alone, and then fails as `source`.
    """
    rows = claims.expired(connection)
    rows += [row for row in claims.current(connection) if is_dead(row.worker or "")]
    for row in rows:
        held = indexes.get(connection, row.index_uid)
        known = [*row.engine_uids, *([held.high_uid] if held and held.high_uid is not None else [])]
        claims.mark_unresolved(connection, row.token, seen_uid=min(known) - 1 if known else None, watch=watch)
        indexes.leave(connection, row.index_uid, row.token)
        blame(connection, row.token, max_claims=max_claims)
    return len(rows)


def blame(connection: Connection, token: str, *, max_claims: int) -> None:
    """Give back the works of a claim that ended without a settlement, one of which may be the reason."""
    for item in works.running(connection, token):
        if claims.is_suspect(item) and len(item.ids) > 1:
            works.split(connection, item)
        elif item.claims >= max_claims:
            text = f"claimed {item.claims} times and never settled: its projection hangs or kills the process"
            reason = f"{item.index_uid} {', '.join(item.ids[:5])}: {text}"
            failure = Failure(reason_class=ReasonClass.SOURCE, reason=reason, code=claims.NEVER_SETTLED)
            works.fail(connection, token, item, failure, ids=item.ids, delay=None, count_attempt=False)
    works.give_back(connection, token, keep_claim_count=True)


def prune(connection: Connection, *, keep_succeeded: float, keep_cancelled: float, limit: int = 500) -> int:
    """Forget a chunk of settled works, and claims that nobody can need; how many rows."""
    rebuilding = select(index.c.index_uid).where(index.c.rebuild.is_not(None))
    at = connection.execute(select(now())).scalar_one()  # a clock inside the query would keep it from using the index
    removed = 0
    for state, keep in ((State.SUCCEEDED, keep_succeeded), (State.CANCELLED, keep_cancelled)):
        query = (
            select(work.c.id)
            .where(work.c.finished_at < at - keep, work.c.state == state.value)
            .where(work.c.index_uid.not_in(rebuilding))
            .order_by(work.c.finished_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        ids = list(connection.execute(query).scalars())
        if ids:
            removed += connection.execute(delete(work).where(work.c.id.in_(ids))).rowcount
    for uid in connection.execute(select(index.c.index_uid)).scalars().all():
        lowest = claims.lowest_held(connection, uid)
        over = (claim.c.index_uid == uid) & (claim.c.state == ClaimState.DONE.value)
        query = select(claim.c.token).where(over if lowest is None else over & (claim.c.number < lowest)).limit(limit)
        tokens = list(connection.execute(query).scalars())
        if tokens:
            removed += connection.execute(delete(claim).where(claim.c.token.in_(tokens))).rowcount
    return removed
