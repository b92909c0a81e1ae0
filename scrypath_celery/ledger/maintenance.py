"""Finding what is unclaimed, and forgetting what nobody needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, update

from ..declaration.generation import FIRST, generation_of
from ..work import READY, ClaimState, Failure, ReasonClass, State
from . import claims, indexes, parts, ready, scheduled, unresolved, works
from .clock import now
from .tables import claim, in_state, index, ledger, rebuild, work

AFTER_INNOCENTS = 1.0
"""How much later (seconds) than those that were claimed with it a work is tried again that hung."""


def begin_pass(connection: Connection, period: float, uid: str | None = None) -> bool:
    """Whether a pass of the relay is due now; if so it is the caller's.

    `uid` is the index whose row tells of the last one, where the indexes are not of the first generation. A last pass
    that lies in the future was dated by a clock that was set back since.
    """
    if uid is None:
        due = (ledger.c.relayed_at < now() - period) | (ledger.c.relayed_at > now() + 1.0)
        return connection.execute(update(ledger).where(due).values(relayed_at=now())).rowcount > 0
    indexes.ensure(connection, uid)
    last = func.coalesce(index.c.relayed_at, 0.0)
    due = (last < now() - period) | (last > now() + 1.0)
    return connection.execute(update(index).where(index.c.index_uid == uid, due).values(relayed_at=now())).rowcount > 0


def due(
    connection: Connection, *, again: float, generation: int = FIRST, limit: int = 5_000
) -> dict[str, list[Row[Any]]]:
    """Ready works that nobody published lately (id, documents, operation), by index; due again after `again` seconds.

    Indexes of other generations, and one that is paused, are left out. A work is never to be published before it is
    available.
    """
    paused = (index.c.paused_until > now()) | index.c.hand_paused_since.is_not(None)
    busy = select(index.c.index_uid).where(paused)
    resting = set(connection.execute(busy).scalars())
    found: dict[str, list[Row[Any]]] = {}
    for uid in (one for one in ready.uids(connection, *READY) if generation_of(one) == generation):
        for state in READY if uid not in resting else ():
            query = (
                select(work.c.id, work.c.documents, work.c.operation)
                .where(in_state(state), work.c.index_uid == uid, work.c.publish_after <= now())
                .order_by(work.c.publish_after)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            found.setdefault(uid, []).extend(connection.execute(query))
    for rows in found.values():
        for start in range(0, len(rows), 1_000):
            chosen = work.c.id.in_([row.id for row in rows[start : start + 1_000]])
            connection.execute(update(work).where(chosen).values(publish_after=now() + again))
    return {uid: rows for uid, rows in found.items() if rows}


def free(
    connection: Connection, *, max_claims: int, watch: float, is_dead: Callable[[str], bool] = lambda worker: False
) -> int:
    """Give back the works of claims whose lease ran out, or whose worker `is_dead`; how many claims.

    A work that was claimed again and again without a settlement is split until the document that hangs (or kills
    its process) stands alone, and then fails as `source`. It fails only once a lease of it ran out: who is taken for
    dead wrongly costs a claim that is run again, and never a work.
    """
    rows = claims.expired(connection)
    dead = [row for row in claims.current(connection) if is_dead(row.worker or "")]
    rows += [row for row in dead if not _last_chance(connection, row.token, max_claims)]
    for row in rows:
        held = indexes.get(connection, row.index_uid)
        known = [*row.engine_uids, *([held.high_uid] if held and held.high_uid is not None else [])]
        unresolved.mark(connection, row.token, seen_uid=min(known) - 1 if known else None, watch=watch)
        indexes.leave(connection, row.index_uid, row.token)
        if row.stuck_id is not None:
            blame_stuck(connection, row.token, row.stuck_id, at_once=not is_dead(row.worker or ""))
        blame(connection, row.token, max_claims=max_claims)
    return len(rows)


def blame_stuck(connection: Connection, token: str, id: str, *, at_once: bool) -> None:
    """Give back the works of a claim that ended while the projection of one document hung: the others are innocent.

    The work of that document is claimed alone the next time, and fails the second time, or `at_once` where nothing ends
    what hangs (a thread): it would hold one more of them with each claim.
    """
    items = works.running(connection, token)
    guilty = next((item for item in items if id in item.left), None)
    if guilty is not None and len(guilty.left) > 1:
        guilty = works.get(connection, parts.split(connection, guilty, [id]))
    if guilty is not None and (at_once or guilty.claims > claims.SUSPECT):
        reason = f"{guilty.index_uid} {id}: its projection hangs"
        failure = Failure(reason_class=ReasonClass.SOURCE, reason=reason, code=claims.HANGS)
        works.fail(connection, token, guilty, failure, ids=[id], delay=None, count_attempt=False)
    elif guilty is not None:
        values = {"state": State.RETRYING.value, "claims": claims.SUSPECT}
        soon = now() + AFTER_INNOCENTS
        suspect = update(work).where(work.c.id == guilty.id)
        connection.execute(suspect.values(**values, finished_at=now(), available_at=soon, publish_after=soon))
    works.give_back(connection, token, keep_claim_count=False)


def _last_chance(connection: Connection, token: str, max_claims: int) -> bool:
    """Whether a work of this claim would fail if its claim ended now."""
    return any(item.claims >= max_claims and len(item.left) == 1 for item in works.running(connection, token))


def blame(connection: Connection, token: str, *, max_claims: int) -> None:
    """Give back the works of a claim that ended without a settlement, one of which may be the reason."""
    for item in works.running(connection, token):
        if claims.is_suspect(item) and len(item.left) > 1:
            parts.split(connection, item)
        elif item.claims >= max_claims:
            text = f"claimed {item.claims} times and never settled: its projection hangs or kills the process"
            reason = f"{item.index_uid} {', '.join(item.left[:5])}: {text}"
            failure = Failure(reason_class=ReasonClass.SOURCE, reason=reason, code=claims.NEVER_SETTLED)
            works.fail(connection, token, item, failure, ids=item.left, delay=None, count_attempt=False)
    works.give_back(connection, token, keep_claim_count=True)


def prune(
    connection: Connection,
    *,
    keep_succeeded: float,
    keep_cancelled: float,
    rebuild_expires: float = 604_800.0,
    limit: int = 1_000,
) -> int:
    """Forget a chunk of settled works, and claims that nobody can need; how many rows.

    Works that a rebuild may have to catch up with are kept, unless nothing has moved in it for `rebuild_expires`
    seconds and its old content is not kept any more. Zero says that there is nothing left to forget now.
    """
    alive = (rebuild.c.updated_at > now() - rebuild_expires) | (rebuild.c.keep_until > now())
    needed = select(rebuild.c.index_uid).where(rebuild.c.finished_at.is_(None), alive)
    rebuilding = set(connection.execute(needed).scalars())
    removed = 0
    for state, keep in ((State.SUCCEEDED, keep_succeeded), (State.CANCELLED, keep_cancelled)):
        for uid in ready.uids(connection, state):
            if uid in rebuilding or removed >= limit:
                continue
            query = (
                select(work.c.id)
                .where(in_state(state), work.c.index_uid == uid, work.c.finished_at < now() - keep)
                .order_by(work.c.finished_at)
                .limit(limit - removed)
                .with_for_update(skip_locked=True)
            )
            ids = list(connection.execute(query).scalars())
            if ids:
                removed += connection.execute(delete(work).where(work.c.id.in_(ids))).rowcount
    return removed + _prune_claims(connection, limit)


def _prune_claims(connection: Connection, limit: int) -> int:
    removed = 0
    for uid in connection.execute(select(index.c.index_uid)).scalars().all():
        lowest = claims.lowest_held(connection, uid)
        over = (claim.c.index_uid == uid) & (claim.c.state == ClaimState.DONE.value)
        query = select(claim.c.token).where(over if lowest is None else over & (claim.c.number < lowest)).limit(limit)
        tokens = list(connection.execute(query).scalars())
        if tokens:
            removed += connection.execute(delete(claim).where(claim.c.token.in_(tokens))).rowcount
        scheduled.prune(connection, uid)
    return removed
