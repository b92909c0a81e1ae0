"""Claims: taking a batch of ready works, holding it by signs of progress, and letting it go."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, Insert, Row, Select, Update, bindparam, func, select, update

from ..notices import Claimed
from ..work import PRIORITY, READY, Claim, ClaimState, Mark, Operation, Scope, State, Work
from . import indexes, noted, ready, trials, works
from .clock import now
from .tables import Json, claim, in_state, index, work

SUSPECT = 2
"""Claims without a settlement after which a work is claimed alone."""
FIRST = 200
"""Candidates that a claim reads at first: a few large works fill it; only many small ones make it read more."""
TRIES = 3
"""How often a claim chooses anew where all that it chose is locked by somebody else."""
HANGS = "projection_hangs"
"""The error code of a work that was given up because the projection of its document hung, twice or in a thread."""
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
    fingerprint: str | None = None,
    bulk_documents: int | None = None,
    bulk_first: bool = False,
) -> Claim | None:
    """Claim ready works of one index, up to a number of documents; None where nothing may be claimed now.

    Single changes come first, unless it is the turn of backfills and rebuilds (`bulk_first`), of whose works at most
    `bulk_documents` are claimed (None: as many as of the others; 0: none).

    The lock of the index's row is held until the commit, so numbers are in the order of commits. `only` names the
    works to claim, also before they are available to others (modes that run in the caller). A pause that is over is
    prolonged by one lease, so that one claim probes while the others wait; one that concerns the live index alone
    leaves the works of its rebuild ready. `suspects=False` leaves out works that have to be claimed alone. Works on
    trial are claimed apart from all others, by one claim at a time. All works of a claim have one priority. Works of
    a rebuild are taken where it is the index's present one and has the `fingerprint` of the caller's declaration.
    """
    held = _locked(connection, uid)
    paused = held.paused_until is not None and held.paused_until > held.at
    if held.hand_paused_since is not None or (paused and held.pause_scope != Scope.INDEX):
        return None
    present = held.rebuild if held.rebuild and held.rebuild.get("fingerprint") == fingerprint else {}
    bulk = documents if bulk_documents is None else bulk_documents
    most = _Most(limits=_limits(documents, bulk, paused=paused), rebuild_id=present.get("id"), bulk_first=bulk_first)
    trying = held.exclusive_until is not None and held.exclusive_until > held.at
    on_trial: list[int] = []
    if only is None and not trying:
        on_trial = trials.ready(connection, uid, below=SUSPECT, rebuild_id=most.rebuild_id, rebuild_only=paused)
    taken = works.find(connection, on_trial) if on_trial else _ready(connection, uid, most, only, suspects)
    if not taken:  # nothing to probe with: a pause stays over
        return None
    if held.paused_until is not None and not paused:
        connection.execute(update(index).where(index.c.index_uid == uid).values(paused_until=now() + lease))
    items = tuple(replace(item, worker=worker, task_id=task_id) for item in taken)
    result = Claim(
        token=secrets.token_hex(12),
        number=held.last_number + 1,
        index_uid=uid,
        works=items,
        fingerprint=held.fingerprint,
        engine_uid=held.engine_uid,
        target=present.get("target") if items[0].operation is Operation.REINDEX else None,
        mark=_mark(held),
        at=held.at,
    )
    _write(connection, result, lease=lease, worker=worker, task_id=task_id)
    if on_trial:
        indexes.enter(connection, uid, result.token, lease)
    noted.note(connection, _claimed(result))
    return result


def _claimed(taken: Claim) -> Claimed:
    return Claimed(
        index_uid=taken.index_uid,
        operation=taken.works[0].operation,
        number=taken.number,
        works=tuple(item.id for item in taken.works),
        documents=len(taken.ids),
    )


def _mark(held: Row[Any]) -> Mark | None:
    return None if held.high_uid is None else Mark(index_uid=held.index_uid, uid=held.high_uid, token=held.high_token)


def _limits(documents: int, bulk: int, *, paused: bool) -> dict[int, int]:
    """The most documents by priority; where the live index is paused, of a rebuild alone."""
    limits = {PRIORITY[Operation.REINDEX]: bulk}
    if not paused:
        limits |= {PRIORITY[Operation.UPSERT]: documents, PRIORITY[Operation.BACKFILL]: bulk}
    return {priority: limit for priority, limit in limits.items() if limit}


def _locked(connection: Connection, uid: str) -> Row[Any]:
    """The index's row with the time (`at`), locked; made where it is missing."""
    held = connection.execute(_index(), {"uid": uid}).one_or_none()
    if held is None:
        indexes.ensure(connection, uid)
        held = connection.execute(_index(), {"uid": uid}).one()
    return held


@cache
def _index() -> Select[Any]:
    return select(index, now().label("at")).where(index.c.index_uid == bindparam("uid")).with_for_update()


@cache
def _count() -> Update:
    return update(index).where(index.c.index_uid == bindparam("uid")).values(last_number=bindparam("number"))


def _write(connection: Connection, taken: Claim, *, lease: float, worker: str, task_id: str | None) -> None:
    row = {
        "token": taken.token,
        "number": taken.number,
        "index_uid": taken.index_uid,
        "target": taken.target,
        "state": ClaimState.HELD.value,
        "worker": worker,
        "lease": lease,
        "ids": taken.ids,
        "engine_uids": [],
        "unanswered": 0,
    }
    connection.execute(_count(), {"uid": taken.index_uid, "number": taken.number})
    connection.execute(_insert(), row)
    values = {"token": taken.token, "number": taken.number, "by": worker, "task": task_id}
    connection.execute(_run(), {"works": [item.id for item in taken.works], **values})


@cache
def _insert() -> Insert:
    return claim.insert().values(lease_until=now() + bindparam("lease"), created_at=now())


@cache
def _run() -> Update:
    return (
        update(work)
        .where(work.c.id.in_(bindparam("works", expanding=True)))
        .values(
            state=State.RUNNING.value,
            claim_token=bindparam("token"),
            claim_number=bindparam("number"),
            claims=work.c.claims + 1,
            worker=bindparam("by"),
            task_id=bindparam("task"),
            started_at=now(),
        )
    )


@dataclass(frozen=True, kw_only=True)
class _Most:
    """What a claim may take: the most documents by priority, lowest first, and the rebuild that may be worked on."""

    limits: Mapping[int, int]
    rebuild_id: int | None
    bulk_first: bool = False


def _ready(connection: Connection, uid: str, most: _Most, only: Sequence[int] | None, suspects: bool) -> list[Work]:
    """The works to claim, of one priority, locked.

    They are chosen without a lock first, by id and number of documents, since a work may hold a thousand ids; so a
    claim locks no row that it does not take. What somebody else has locked is passed by. `limits` are the priorities
    that may be taken, and up to how many documents.
    """
    passed: set[int] = set()
    for _ in range(TRIES):
        chosen = _chosen(connection, uid, most, only, suspects, passed)
        if not chosen:
            return []
        locked = works.lock_ready(connection, chosen)
        if locked:
            return locked
        passed.update(chosen)
    return []


def _chosen(
    connection: Connection,
    uid: str,
    most: _Most,
    only: Sequence[int] | None,
    suspects: bool,
    passed: set[int],
) -> list[int]:
    for priority, documents in sorted(most.limits.items(), reverse=most.bulk_first):
        found = _candidates(connection, uid, priority, FIRST, only, most.rebuild_id)
        if sum(row.documents for row in found) < documents and len(found) >= FIRST:
            found = _candidates(connection, uid, priority, max(documents, FIRST) + len(passed), only, most.rebuild_id)
        found = [row for row in found if row.id not in passed]
        if suspects and found and is_suspect(found[0]):
            return [found[0].id]
        batch = _batch([row for row in found if not is_suspect(row)], documents)
        if batch:
            return batch
    return []


def _candidates(
    connection: Connection,
    uid: str,
    priority: int,
    limit: int,
    only: Sequence[int] | None,
    rebuild_id: int | None,
) -> list[Row[Any]]:
    """Works that may be claimed, of one priority; those first that wait longest."""
    if only is not None:
        columns = (work.c.id, work.c.documents, work.c.claims, work.c.operation, work.c.available_at)
        untried = work.c.trial.is_(None) | (work.c.claims >= SUSPECT)
        chosen = (work.c.index_uid == uid) & work.c.id.in_(only) & (work.c.priority == priority)
        mine = works.of_rebuild(rebuild_id)
        # Where it failed before in a way that may pass, its backoff holds for its caller, too.
        due = (work.c.state != State.RETRYING.value) | (work.c.available_at <= now())
        query = select(*columns).where(chosen, in_state(*READY), due, works.known(), mine, untried).order_by(work.c.id)
        return list(connection.execute(query))
    return ready.claimable(connection, uid, priority, limit=limit, rebuild_id=rebuild_id, suspect=SUSPECT)


def is_suspect(item: Work | Row[Any]) -> bool:
    """Whether a work was claimed without settling so often that it has to stand alone."""
    return bool(item.claims >= SUSPECT)


def _batch(found: list[Row[Any]], documents: int) -> list[int]:
    batch: list[int] = []
    count = 0
    for item in found:
        # What fills the target of a rebuild goes to another index than all the rest; releases before priorities
        # wrote both alike.
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
    values: dict[str, object] = {"held": token, "lease": lease, "more": unanswered}
    if uids is not None:
        values["uids"] = list(uids)
    return connection.execute(_hold(uids is not None), values).rowcount > 0


@cache
def _hold(noting: bool) -> Update:
    # A lease that ran out but was not taken over yet is still ours: nobody else acts on it before the relay frees it.
    query = update(claim).where(claim.c.token == bindparam("held"), claim.c.state == ClaimState.HELD.value)
    query = query.values(lease_until=now() + bindparam("lease"), unanswered=claim.c.unanswered + bindparam("more"))
    return query.values(engine_uids=bindparam("uids", type_=Json)) if noting else query


def is_held(connection: Connection, token: str) -> bool:
    """Whether a process still holds this claim."""
    query = select(claim.c.token).where(claim.c.token == token, claim.c.state == ClaimState.HELD.value)
    return connection.execute(query).first() is not None


def newer_ids(connection: Connection, held: Claim) -> set[str]:
    """The ids that claims with a higher number share with this one (the check)."""
    found = connection.execute(_newer(), {"uid": held.index_uid, "than": held.number}).scalars()
    mine = set(held.ids)
    return set().union(*(mine.intersection(ids) for ids in found))


@cache
def _newer() -> Select[Any]:
    newer = (claim.c.index_uid == bindparam("uid")) & (claim.c.number > bindparam("than"))
    return select(claim.c.ids).where(newer, claim.c.target.is_(None))


def end(connection: Connection, token: str, state: ClaimState) -> None:
    """Note that a claim is over, or waits for the engine; one with an unanswered request stays watched."""
    connection.execute(_end(), {"ended": token, "to": state.value})


@cache
def _end() -> Update:
    over = (claim.c.token == bindparam("ended")) & (claim.c.state != ClaimState.UNRESOLVED.value)
    return update(claim).where(over).values(state=bindparam("to"))


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


def end_target(connection: Connection, name: str) -> int:
    """End all claims that send to this target: whoever holds one stops before its next request; how many."""
    held = (claim.c.target == name) & (claim.c.state == ClaimState.HELD.value)
    return connection.execute(update(claim).where(held).values(state=ClaimState.DONE.value)).rowcount
