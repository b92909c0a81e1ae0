"""Claims: taking a batch of ready works, holding it by signs of progress, and letting it go."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, case, func, select, update

from ..work import BULK, LIVE, READY, Claim, ClaimState, Mode, Operation, Scope, State, Work
from . import indexes, trials, works
from .clock import now
from .tables import claim, index, work

SUSPECT = 2
"""Claims without a settlement after which a work is claimed alone."""
NEVER_SETTLED = "never_settled"
"""The error code of a work that was given up because no claim of it ever settled."""


def take(
    connection: Connection,
    uid: str,
    *,
    documents: int,
    lease: float,
    worker: str,
    only: Sequence[int] | None = None,
    task_id: str | None = None,
    suspects: bool = True,
    bulk_documents: int | None = None,
) -> Claim | None:
    """Claim ready works of one index, up to a number of documents; None where nothing may be claimed now.

    Single changes come first; works of backfills and rebuilds are claimed where there are none, up to `bulk_documents`
    (None: as many as of the others; 0: none).

    The lock of the index's row is held until the commit, so numbers are in the order of commits. `only` names the
    works to claim, also before they are available to others (modes that run in the caller). A pause that is over is
    prolonged by one lease, so that one claim probes while the others wait; one that concerns the live index alone
    leaves the works of its rebuild ready. `suspects=False` leaves out works that have to be claimed alone. Works on
    trial are claimed apart from all others, by one claim at a time.
    """
    query = select(index, now().label("at")).where(index.c.index_uid == uid).with_for_update()
    held = connection.execute(query).one_or_none()
    if held is None:
        indexes.ensure(connection, uid)
        held = connection.execute(query).one()
    paused = held.paused_until is not None and held.paused_until > held.at
    if paused and held.pause_scope != Scope.INDEX:
        return None
    trying = held.exclusive_until is not None and held.exclusive_until > held.at
    taken = []
    if only is None and not trying:
        taken = works.find(connection, trials.ready(connection, uid, below=SUSPECT, rebuild_only=paused))
    on_trial = bool(taken)
    if not taken and not paused:
        taken = _ready(connection, uid, LIVE, documents, only, suspects)
    bulk = documents if bulk_documents is None else bulk_documents
    if not taken and bulk:
        taken = _ready(connection, uid, [Operation.REINDEX] if paused else BULK, bulk, only, suspects)
    if not taken:  # nothing to probe with: a pause stays over
        return None
    if held.paused_until is not None and not paused:
        connection.execute(update(index).where(index.c.index_uid == uid).values(paused_until=now() + lease))
    number = held.last_number + 1
    connection.execute(update(index).where(index.c.index_uid == uid).values(last_number=number))
    items = tuple(replace(item, worker=worker) for item in taken)
    token = secrets.token_hex(12)
    result = Claim(token=token, number=number, index_uid=uid, works=items, fingerprint=held.fingerprint)
    _write(connection, result, lease=lease, worker=worker, task_id=task_id)
    if on_trial:
        indexes.enter(connection, uid, token, lease)
    return result


def _write(connection: Connection, taken: Claim, *, lease: float, worker: str, task_id: str | None) -> None:
    connection.execute(
        claim.insert().values(
            token=taken.token,
            number=taken.number,
            index_uid=taken.index_uid,
            state=ClaimState.HELD.value,
            worker=worker,
            lease_until=now() + lease,
            ids=taken.ids,
            engine_uids=[],
            unanswered=0,
            created_at=now(),
        )
    )
    connection.execute(
        update(work)
        .where(work.c.id.in_([item.id for item in taken.works]))
        .values(
            state=State.RUNNING.value,
            claim_token=taken.token,
            claim_number=taken.number,
            claims=work.c.claims + 1,
            worker=worker,
            task_id=task_id,
            started_at=now(),
        )
    )


def _ready(
    connection: Connection,
    uid: str,
    operations: Sequence[Operation],
    documents: int,
    only: Sequence[int] | None,
    suspects: bool,
) -> list[Work]:
    """The works to claim: chosen by id and number of documents first, since a work may hold a thousand ids."""
    found: list[Row[Any]] = []
    columns = (work.c.id, work.c.documents, work.c.claims, work.c.operation)
    known = work.c.operation.in_(list(operations)) & work.c.mode.in_(list(Mode))  # those of a newer release are left
    for state in READY:  # one state at a time: each is a range of the index in the order of ids
        query = select(*columns).where(work.c.index_uid == uid, work.c.state == state.value, known)
        query = query.where(work.c.available_at <= now() if only is None else work.c.id.in_(only))
        query = query.where(work.c.trial.is_(None) | (work.c.claims >= SUSPECT))
        query = query.order_by(work.c.id).limit(documents).with_for_update(skip_locked=True)
        found += connection.execute(query)
    found.sort(key=lambda row: int(row.id))
    if suspects and found and is_suspect(found[0]):
        return works.find(connection, [found[0].id])
    chosen = _batch([row for row in found if not is_suspect(row)], documents)
    return works.find(connection, chosen) if chosen else []


def is_suspect(item: Work | Row[Any]) -> bool:
    """Whether a work was claimed without settling so often that it has to stand alone."""
    return bool(item.claims >= SUSPECT)


def _batch(found: list[Row[Any]], documents: int) -> list[int]:
    batch: list[int] = []
    count = 0
    for item in found:
        # What fills the target of a rebuild goes to another index than all the rest.
        if (item.operation == Operation.REINDEX) != (found[0].operation == Operation.REINDEX):
            continue
        if batch and count + item.documents > documents:
            break
        batch.append(item.id)
        count += item.documents
    return batch


def hold(
    connection: Connection, token: str, lease: float, *, uids: Sequence[int] | None = None, unanswered: int = 0
) -> bool:
    """Renew a lease by progress, noting all engine task uids so far; false where the claim is no longer ours."""
    values: dict[str, object] = {"lease_until": now() + lease}
    if uids is not None:
        values["engine_uids"] = list(uids)
    if unanswered:
        values["unanswered"] = claim.c.unanswered + unanswered
    # A lease that ran out but was not taken over yet is still ours: nobody else acts on it before the relay frees it.
    query = update(claim).where(claim.c.token == token, claim.c.state == ClaimState.HELD.value)
    return connection.execute(query.values(**values)).rowcount > 0


def is_held(connection: Connection, token: str) -> bool:
    """Whether a process still holds this claim."""
    query = select(claim.c.token).where(claim.c.token == token, claim.c.state == ClaimState.HELD.value)
    return connection.execute(query).first() is not None


def newer_ids(connection: Connection, held: Claim) -> set[str]:
    """The ids that claims with a higher number share with this one (the check)."""
    query = select(claim.c.ids).where(
        claim.c.index_uid == held.index_uid, claim.c.number > held.number, claim.c.target.is_(None)
    )
    mine = set(held.ids)
    return set().union(*(mine.intersection(ids) for ids in connection.execute(query).scalars()))


def end(connection: Connection, token: str, state: ClaimState) -> None:
    """Note that a claim is over, or waits for the engine; one with an unanswered request stays watched."""
    values = {"state": state.value}
    connection.execute(
        update(claim).where(claim.c.token == token, claim.c.state != ClaimState.UNRESOLVED.value).values(**values)
    )


def mark_unresolved(connection: Connection, token: str, *, seen_uid: int | None, watch: float) -> bool:
    """Keep a claim because requests of it may still land, with the engine's newest task uid of this time.

    `seen_uid` is None where the engine could not be asked: then its list is watched from the start of the claim.
    False where it was unresolved already.
    """
    query = update(claim).where(claim.c.token == token, claim.c.state != ClaimState.UNRESOLVED.value)
    values = {"state": ClaimState.UNRESOLVED.value, "seen_uid": seen_uid, "watch_until": now() + watch}
    return connection.execute(query.values(**values)).rowcount > 0


def expired(connection: Connection, limit: int = 100) -> list[Row[Any]]:
    """Claims that are held past their lease, locked."""
    query = (
        select(claim)
        .where(claim.c.state == ClaimState.HELD.value, claim.c.lease_until < now())
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(query))


def current(connection: Connection, limit: int = 1_000) -> list[Row[Any]]:
    """Claims that are held within their lease, locked."""
    query = (
        select(claim)
        .where(claim.c.state == ClaimState.HELD.value, claim.c.lease_until >= now())
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(connection.execute(query))


def lowest_held(connection: Connection, uid: str) -> int | None:
    """The lowest number of a claim of this index whose holder may still check for newer ones."""
    query = select(func.min(claim.c.number)).where(claim.c.index_uid == uid, claim.c.state == ClaimState.HELD.value)
    return connection.execute(query).scalar()


def awaiting(connection: Connection, limit: int = 100) -> list[Row[Any]]:
    """Claims with works that wait for the engine's verdict, oldest first; one that is unresolved may have some, too."""
    submitted = select(work.c.claim_token).where(work.c.state == State.SUBMITTED.value)
    columns = (claim.c.token, claim.c.engine_uids)  # ids may be many
    query = select(*columns).where(claim.c.token.in_(submitted)).order_by(claim.c.created_at).limit(limit)
    return list(connection.execute(query))


def unresolved(connection: Connection, limit: int = 1_000) -> list[Row[Any]]:
    """Claims of which a request may still land, those first that were watched least far."""
    query = select(claim).where(claim.c.state == ClaimState.UNRESOLVED.value)
    return list(connection.execute(query.order_by(func.coalesce(claim.c.seen_uid, -1)).limit(limit)))


def awaited_ids(connection: Connection, uid: str) -> set[str]:
    """The ids of works that were claimed without settling and wait for another claim, or were given up for it."""
    again = work.c.state.in_([state.value for state in READY]) & (work.c.claims > 0)
    dead = (work.c.state == State.FAILED.value) & (work.c.error_code == NEVER_SETTLED)
    query = select(work.c.ids).where(work.c.index_uid == uid, again | dead)
    return {id for ids in connection.execute(query).scalars() for id in ids}


def seen(connection: Connection, tokens: Sequence[str], uid: int) -> int:
    """Note that unresolved claims were watched up to this engine task; how many had not been, or are over."""
    over = case((claim.c.watch_until < now(), ClaimState.DONE.value), else_=claim.c.state)
    behind = claim.c.seen_uid.is_(None) | (claim.c.seen_uid < uid) | (claim.c.watch_until < now())
    query = update(claim).where(claim.c.token.in_(tokens), claim.c.state == ClaimState.UNRESOLVED.value, behind)
    return connection.execute(query.values(seen_uid=uid, state=over)).rowcount


def target(connection: Connection, token: str, name: str) -> None:
    """Note that a claim sends to the target of a rebuild, not to the live index."""
    connection.execute(update(claim).where(claim.c.token == token).values(target=name))
