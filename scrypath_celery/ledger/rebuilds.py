"""Rows of rebuilds: each change is a compare-and-set on the epoch, which whoever drives the rebuild has raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import Connection, Float, Row, Select, bindparam, func, select, update

from ..work import OPEN, Operation, State, Work
from . import indexes, totals, works
from .clock import now
from .tables import in_state, rebuild, work


@dataclass(frozen=True, kw_only=True)
class Rebuild:
    """One row of `scrypath_rebuild`. Times are seconds since the epoch on the ledger database's clock.

    `target` is the index that is filled (after the cut-over: what holds the old content), `target_created` its
    `createdAt`, which travels with the content, `target_uid` the engine task that made it. `noted` is the last claim
    number whose documents the target has for sure, `catching` the one that it is brought to, `rollback_from` the one
    after which a return to the old content catches up. `ranges` are how far the filling is, `blocked` the reasons why
    the last try to cut over was refused.
    """

    id: int
    index_uid: str
    operation: Operation
    phase: str
    mode: str
    target: str | None
    target_created: str | None
    target_uid: int | None
    renaming: str | None
    tried: bool
    fingerprint: str
    noted: int
    catching: int | None
    rollback_from: int | None
    rounds: int
    ranges: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    options: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, Any] = field(default_factory=dict)
    blocked: Sequence[Mapping[str, str]] = field(default_factory=tuple)
    reason: str | None = None
    asked_by: str | None = None
    followed_until: float | None = None
    owner: str | None = None
    epoch: int
    lease_until: float
    created_at: float
    updated_at: float
    keep_until: float | None = None
    finished_at: float | None = None


def record(row: Row[Any]) -> Rebuild:
    """The frozen record of a row."""
    values = dict(row._mapping)
    return Rebuild(**values | {"operation": Operation(values["operation"]), "tried": bool(values["tried"])})


def create(connection: Connection, *, lease: float, **values: Any) -> Rebuild:
    """Write a new rebuild, held by its owner, and note it in the row of its index."""
    fresh = {"tried": 0, "rounds": 0, "ranges": [], "options": {}, "counts": {}, "blocked": [], "epoch": 1}
    dates = {"lease_until": now() + lease, "created_at": now(), "updated_at": now()}
    made = connection.execute(rebuild.insert().values(fresh | values | dates))
    key = made.inserted_primary_key
    assert key is not None
    found = get(connection, int(key[0]))
    assert found is not None
    _point(connection, found)
    return found


def get(connection: Connection, id: int) -> Rebuild | None:
    """One rebuild by its id."""
    row = connection.execute(select(rebuild).where(rebuild.c.id == id)).one_or_none()
    return None if row is None else record(row)


def active(connection: Connection, index_uid: str) -> Rebuild | None:
    """The rebuild of an index that is not over (its old content may still be kept), if any."""
    query = select(rebuild).where(rebuild.c.index_uid == index_uid, rebuild.c.finished_at.is_(None))
    row = connection.execute(query.order_by(rebuild.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else record(row)


def latest(connection: Connection, index_uid: str | None = None, *, limit: int = 20) -> list[Rebuild]:
    """The newest rebuilds, of one index or of all, newest first."""
    query = select(rebuild).order_by(rebuild.c.id.desc()).limit(limit)
    if index_uid is not None:
        query = query.where(rebuild.c.index_uid == index_uid)
    return [record(row) for row in connection.execute(query)]


def unfinished(connection: Connection) -> list[Rebuild]:
    """All rebuilds that are not over, by id."""
    query = select(rebuild).where(rebuild.c.finished_at.is_(None)).order_by(rebuild.c.id)
    return [record(row) for row in connection.execute(query)]


def acquire(connection: Connection, held: Rebuild, owner: str, lease: float) -> bool:
    """Become the owner of a rebuild as it was read; false where somebody changed it since."""
    return _set(
        connection, held.id, held.epoch, {"owner": owner, "epoch": held.epoch + 1, "lease_until": now() + lease}
    )


def release(connection: Connection, id: int, epoch: int) -> bool:
    """Let a rebuild go, so that another may drive it at once."""
    return _set(connection, id, epoch, {"owner": None, "lease_until": now()})


def change(connection: Connection, id: int, epoch: int, lease: float, **values: Any) -> Rebuild | None:
    """Change a rebuild and prolong its lease; None where the epoch is no longer the caller's."""
    if "finished_at" in values:
        values["finished_at"] = now()
    if not _set(connection, id, epoch, {**values, "updated_at": now(), "lease_until": now() + lease}):
        return None
    changed = get(connection, id)
    assert changed is not None
    _point(connection, changed)
    return changed


def renew(connection: Connection, id: int, epoch: int, lease: float) -> bool:
    """Prolong the lease; false where the epoch is no longer the caller's."""
    return _set(connection, id, epoch, {"lease_until": now() + lease})


def follow(connection: Connection, id: int, who: str | None, seconds: float) -> None:
    """Note who follows a rebuild, for so many seconds."""
    values = {"followed_until": now() + seconds, "asked_by": who} if who is not None else {"followed_until": None}
    connection.execute(update(rebuild).where(rebuild.c.id == id).values(**values))


def keep_until(connection: Connection, id: int, seconds: float) -> None:
    """Note for how long the old content is kept."""
    connection.execute(update(rebuild).where(rebuild.c.id == id).values(keep_until=now() + seconds))


def tally(connection: Connection, id: int) -> dict[State, tuple[int, int]]:
    """How many works of a rebuild, and documents in them, are in each state."""
    query = select(work.c.state, func.count(), func.sum(work.c.documents)).where(work.c.rebuild_id == id)
    found = connection.execute(query.group_by(work.c.state))
    return {State(state): (int(count), int(documents or 0)) for state, count, documents in found}


def open_of(connection: Connection, id: int) -> set[int]:
    """The works of a rebuild that are not settled."""
    return set(connection.execute(_open_of(), {"rebuild": id}).scalars())


@cache
def _open_of() -> Select[Any]:
    return select(work.c.id).where(work.c.rebuild_id == bindparam("rebuild"), in_state(*OPEN))


def claimed_since(
    connection: Connection, index_uid: str, number: int, *, limit: int = 20_000
) -> tuple[int, list[str], bool]:
    """The ids of works claimed after `number` (fills of targets left out), up to which number that is, and whether
    there are more.

    A claim number stands with all of its works or not at all.
    """
    newest = indexes.get(connection, index_uid)
    upto = newest.last_number if newest is not None else 0
    query = (
        select(work.c.ids, work.c.claim_number)
        .where(work.c.index_uid == index_uid, work.c.claim_number > number, work.c.claim_number <= upto)
        .where(work.c.operation != Operation.REINDEX.value)
        .order_by(work.c.claim_number)
    )
    found: dict[str, None] = {}
    last = number
    with connection.execute(query.execution_options(yield_per=100)) as rows:
        for ids, claimed in rows:
            if len(found) >= limit and claimed != last:
                return last, list(found), True
            found.update(dict.fromkeys(ids))
            last = claimed
    return upto, list(found), False


def moving(connection: Connection, index_uid: str, number: int) -> int:
    """How many documents live works hold that are not settled, or were claimed after `number`: what counts may be
    off by."""
    states = work.c.state.in_([state.value for state in OPEN])
    query = select(func.coalesce(func.sum(work.c.documents), 0)).where(
        work.c.index_uid == index_uid,
        work.c.operation != Operation.REINDEX.value,
        states | (work.c.claim_number > number),
    )
    return int(connection.execute(query).scalar_one())


def others_moved(connection: Connection, id: int, index_uid: str, number: int) -> bool:
    """Whether works of an index that are none of this rebuild's are not settled, or were claimed after `number`."""
    others = (work.c.index_uid == index_uid) & (work.c.rebuild_id.is_(None) | (work.c.rebuild_id != id))
    return any(
        connection.execute(select(work.c.id).where(others, moved).limit(1)).first() is not None
        for moved in (in_state(*OPEN), work.c.claim_number > number)
    )


def written_lately(connection: Connection, index_uid: str, seconds: float) -> bool:
    """Whether single changes of an index are waiting, or came in within the last `seconds`."""
    return connection.execute(_written_lately(), {"uid": index_uid, "seconds": seconds}).first() is not None


@cache
def _written_lately() -> Select[Any]:
    lately = work.c.created_at > now() - bindparam("seconds", type_=Float)
    single = (work.c.index_uid == bindparam("uid")) & work.c.rebuild_id.is_(None)
    return select(work.c.id).where(single, lately, in_state(*OPEN, State.SUCCEEDED)).limit(1)


def last_send(connection: Connection, id: int) -> tuple[int, str] | None:
    """The engine task, and the token of its claim, of the work of a rebuild that was claimed last and succeeded."""
    query = (
        select(work.c.engine_uids, work.c.claim_token)
        .where(work.c.rebuild_id == id, work.c.state == State.SUCCEEDED.value, work.c.engine_uids.is_not(None))
        .order_by(work.c.claim_number.desc())
        .limit(5)
    )
    for uids, token in connection.execute(query):
        if uids and token:
            return max(uids), token
    return None


def cancel_works(connection: Connection, id: int) -> int:
    """Cancel what is left of the works of a rebuild; how many. Who runs one finds its claim gone."""
    states = [state.value for state in (*OPEN, State.FAILED)]
    query = update(work).where(work.c.rebuild_id == id, work.c.state.in_(states))
    cancelled = connection.execute(query.values(state=State.CANCELLED.value, finished_at=now())).rowcount
    held = get(connection, id) if cancelled else None
    if held is not None:
        totals.add(connection, held.index_uid, totals.CANCELLED, times=cancelled, documents=0)
    return cancelled


def _set(connection: Connection, id: int, epoch: int, values: Mapping[str, Any]) -> bool:
    query = update(rebuild).where(rebuild.c.id == id, rebuild.c.epoch == epoch, rebuild.c.finished_at.is_(None))
    return connection.execute(query.values(dict(values))).rowcount > 0


def _point(connection: Connection, found: Rebuild) -> None:
    """Note in the index's row which rebuild is under way, where to its works go, and who may run them."""
    pointer = None
    if found.finished_at is None:
        pointer = {"id": found.id, "phase": found.phase, "target": found.target, "fingerprint": found.fingerprint}
    indexes.write_rebuild(connection, found.index_uid, pointer)


def works_in(connection: Connection, id: int, state: State) -> list[Work]:
    """The works of a rebuild in a state."""
    query = select(work).where(work.c.rebuild_id == id, work.c.state == state.value).order_by(work.c.id)
    return [works.record(row) for row in connection.execute(query)]


def leave(connection: Connection, id: int) -> None:
    """Make a work of a rebuild that is over one that every process may run."""
    connection.execute(update(work).where(work.c.id == id).values(rebuild_id=None))
