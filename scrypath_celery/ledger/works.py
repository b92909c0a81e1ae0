"""Works: writing, finding and settling single rows of the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    Update,
    bindparam,
    case,
    func,
    null,
    select,
    update,
)

from .. import tracing
from ..errors import LedgerOutdated, WorkError
from ..notices import WorkEnqueued
from ..work import MAX_IDS, OPEN, PRIORITY, READY, Failure, Mode, Operation, ReasonClass, State, Work
from . import noted, totals
from .clock import now
from .insertion import insert
from .tables import Json, among, claim, encoded, in_state, work

GRACE = {Mode.CELERY: 0.0, Mode.INLINE: 60.0, Mode.MANUAL: 60.0}
"""Seconds that the calling process has before a worker takes a work of a mode that runs in the caller."""

MAX_ID = 2**63 - 1
"""The largest id that a ledger can hold."""

_HISTORY = 50


def write(
    connection: Connection,
    index_uid: str,
    operation: Operation,
    ids: Sequence[str],
    mode: Mode,
    *,
    publish_after: float = 10.0,
    requeued: bool = False,
    rebuild_id: int | None = None,
    fan_out: str | None = None,
    priority: int | None = None,
) -> tuple[int, ...]:
    """Write works for `ids` on the caller's connection, in the caller's transaction; the works' ids.

    At most `MAX_IDS` documents a work. `publish_after` is how long (seconds) the relay leaves the publication to the
    caller; `requeued` notes in their history that no call wrote them. The row of the index is never requeued here: it
    would make callers wait for claims. Works with a `rebuild_id` run for that rebuild alone. `fan_out` names the
    fan-out whose owners the ids are, or the work of that operation which these are written for. `priority` is
    another one than that of the operation.
    """
    grace, carried = GRACE[mode], tracing.traceparent()
    written = []
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), MAX_IDS):
        chunk = unique[start : start + MAX_IDS]
        row = {
            "index_uid": index_uid,
            "operation": operation.value,
            "ids": encoded(chunk),
            "documents": len(chunk),
            "priority": PRIORITY[operation] if priority is None else priority,
            "mode": mode.value,
            "history": encoded([{"state": "requeued"}]) if requeued else None,
            "rebuild_id": rebuild_id,
            "fan_out": fan_out,
            "traceparent": carried,
            "publish_in": max(grace, publish_after),
            "available_in": grace,
        }
        written.append(insert(connection, row))
    found = tuple(written)
    if noted.are_noted(connection):
        enqueued = WorkEnqueued(index_uid=index_uid, operation=operation, works=found, documents=len(unique))
        noted.note(connection, enqueued)
    return found


def requeue(connection: Connection, index_uid: str, ids: Sequence[str]) -> tuple[int, ...]:
    """Put new work for these ids into the ledger: re-sync them."""
    if not ids:
        return ()
    return write(connection, index_uid, Operation.UPSERT, ids, Mode.CELERY, publish_after=0.0, requeued=True)


def record(row: Row[Any]) -> Work:
    """The frozen record of a row of `scrypath_work`.

    Raises:
        LedgerOutdated: it holds a word that this release does not know.
    """
    values = dict(row._mapping)
    try:
        values["operation"] = Operation(values["operation"])
        values["mode"] = Mode(values["mode"])
        values["state"] = State(values["state"])
    except ValueError as exc:
        raise LedgerOutdated(f"work {row.id} is of a newer release ({exc}): upgrade scrypath-celery here") from exc
    values["reason_class"] = ReasonClass.read(values["reason_class"]) if values["reason_class"] else None
    for name in ("ids", "engine_uids", "history"):
        values[name] = tuple(values[name] or ())
    values["cursor"] = None if values["cursor"] is None else tuple(values["cursor"])
    values["remaining"] = None if values["remaining"] is None else tuple(values["remaining"])
    return Work(**values)


def get(connection: Connection, id: int) -> Work:
    """One work by its id.

    Raises:
        WorkError: there is none.
    """
    found = find(connection, [id])
    if not found:
        raise WorkError(f"no work with id {id} in the ledger")
    return found[0]


def find(connection: Connection, ids: Sequence[int], *, lock: bool = False) -> list[Work]:
    """The works of these ids that are there, by id; locked until the transaction ends where asked for."""
    # What a column cannot hold is an error of some databases, and there is no such row in any.
    query = _find().with_for_update() if lock else _find()
    return [record(row) for row in connection.execute(query, {"works": [id for id in ids if 0 < id <= MAX_ID]})]


def lock_ready(connection: Connection, ids: Sequence[int]) -> list[Work]:
    """Those of these works that are pending or retrying and that nobody else has locked, by id and locked."""
    return [record(row) for row in connection.execute(_lock_ready(), {"works": list(ids)})]


@cache
def _find() -> Select[Any]:
    return select(work).where(work.c.id.in_(bindparam("works", expanding=True))).order_by(work.c.id)


@cache
def _lock_ready() -> Select[Any]:
    return _find().where(in_state(*READY)).with_for_update(skip_locked=True)


def standing(connection: Connection, ids: Sequence[int]) -> list[tuple[State, str | None]]:
    """State and reason class of each work of these ids that is there."""
    rows = connection.execute(select(work.c.state, work.c.reason_class).where(work.c.id.in_(ids)))
    return [(State(state), reason_class) for state, reason_class in rows]


def listed(
    connection: Connection, states: Sequence[State], *, index_uid: str | None = None, limit: int | None = None
) -> list[Work]:
    """Works in these states, oldest first."""
    query = select(work).where(in_state(*states)).order_by(work.c.id)
    if index_uid is not None:
        query = query.where(work.c.index_uid == index_uid)
    return [record(row) for row in connection.execute(query.limit(limit))]


def of_rebuild(id: int | None) -> ColumnElement[bool]:
    """The criterion that a work is of the live index, or of this rebuild."""
    live: ColumnElement[bool] = work.c.rebuild_id.is_(None)
    return live if id is None else live | (work.c.rebuild_id == id)


def counts(connection: Connection, index_uid: str | None = None) -> dict[str, dict[State, int]]:
    """How many works of each index are in each state but `succeeded` and `cancelled` (those are history)."""
    query = (
        select(work.c.index_uid, work.c.state, func.count())
        .where(in_state(*OPEN, State.FAILED))
        .group_by(work.c.index_uid, work.c.state)
    )
    if index_uid is not None:
        query = query.where(work.c.index_uid == index_uid)
    found: dict[str, dict[State, int]] = {}
    for uid, state, count in connection.execute(query):
        found.setdefault(uid, {})[State(state)] = int(count)
    return found


def succeed(connection: Connection, token: str, ids: Sequence[int], engine_uids: Sequence[int]) -> int:
    """Settle works of a claim as succeeded; how many (the claim may have lost them)."""
    values = {"works": list(ids), "token": token, "uids": list(engine_uids[:20])}
    return connection.execute(_succeed(), values).rowcount


@cache
def _succeed() -> Update:
    settled = dict.fromkeys(("trial", "reason", "reason_class", "error_code"), null())
    return (
        update(work)
        .where(work.c.id.in_(bindparam("works", expanding=True)), _held())
        .values(
            state=State.SUCCEEDED.value,
            finished_at=now(),
            claims=0,
            engine_uids=bindparam("uids", type_=Json),
            **settled,
        )
    )


def submit(
    connection: Connection, token: str, ids: Sequence[int], engine_uids: Sequence[int], *, trial: str | None = None
) -> int:
    """The engine accepted these works and the wait ran out: they are polled later, never sent again for that."""
    values = {"works": list(ids), "token": token, "uids": list(engine_uids), "group": trial}
    return connection.execute(_submit(), values).rowcount


@cache
def _submit() -> Update:
    return (
        update(work)
        .where(work.c.id.in_(bindparam("works", expanding=True)), _held())
        .values(
            state=State.SUBMITTED.value,
            claims=0,
            engine_uids=bindparam("uids", type_=Json),
            trial=bindparam("group", type_=work.c.trial.type),
        )
    )


def fail(
    connection: Connection,
    token: str,
    item: Work,
    failure: Failure,
    *,
    ids: Sequence[str],
    delay: float | None,
    count_attempt: bool = True,
    engine_uids: Sequence[int] = (),
    trial: str | None = None,
    by_runner: bool = False,
) -> int:
    """Settle one work of a claim as not succeeded; `ids` are what is left of it, those that failed.

    `delay` (seconds) leaves it `retrying`; None makes it a dead letter. `count_attempt` says that it costs an attempt,
    `trial` in which group it is tried next, `by_runner` that whoever holds the claim settles it.
    """
    state = State.FAILED if delay is None else State.RETRYING
    told_by = noted.teller(item) if by_runner and state is State.FAILED else None
    event = {"state": state.value, "worker": item.worker, "task": item.task_id, "told_by": told_by}
    changed = connection.execute(
        update(work)
        .where(work.c.id == item.id, _held(token))
        .values(
            state=state.value,
            remaining=list(ids),
            documents=len(ids),
            attempts=item.attempts + int(count_attempt),
            claims=0,
            available_at=now() + (delay or 0.0),
            publish_after=now() + (delay or 0.0),
            finished_at=now(),
            reason=failure.reason[:500],
            reason_class=failure.reason_class.value,
            error_code=(failure.code or "")[:64] or None,
            engine_uids=list(engine_uids[:20]),
            trial=trial,
            history=remember(connection, item, {**event, "uids": list(engine_uids[:5]), **_told(failure)}),
        )
    ).rowcount
    if changed and state is State.FAILED:
        noted.note_dead_letter(connection, item, failure, len(ids), by_runner=by_runner)
    if changed and (count_attempt or state is State.FAILED):
        totals.ended_badly(connection, item, state, failure, len(ids))
    return changed


def give_back(connection: Connection, token: str, *, keep_claim_count: bool, delay: float = 0.0) -> int:
    """Put the running works of a claim back as they were; `keep_claim_count=False` forgets that they were claimed."""
    claims = work.c.claims if keep_claim_count else case((work.c.claims > 0, work.c.claims - 1), else_=0)
    return connection.execute(
        update(work)
        .where(of_claim(token), in_state(State.RUNNING))
        .values(
            state=case((work.c.attempts > 0, State.RETRYING.value), else_=State.PENDING.value),
            claims=claims,
            claim_token=None,
            available_at=now() + delay,
            publish_after=now() + delay,
        )
    ).rowcount


def _told(failure: Failure) -> dict[str, Any]:
    return {"reason": failure.reason[:200], "class": failure.reason_class.value, "code": failure.code}


def remember(connection: Connection, item: Work, event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The history of a work with one more event, dated now; the newest fifty of it."""
    return history_with(item, event, at=float(connection.execute(select(now())).scalar_one()))


def history_with(item: Work, event: Mapping[str, Any], *, at: float) -> list[Mapping[str, Any]]:
    """The history of a work with one more event of the time `at`; the newest fifty of it."""
    told = {"at": round(at, 3), "attempt": item.attempts, **{name: value for name, value in event.items() if value}}
    return [*item.history, told][-_HISTORY:]


def of_claim(token: str | None = None) -> ColumnElement[bool]:
    """The criterion that a work was last in this claim; found through its index and number.

    Without a token, the parameter `token` names the claim.
    """
    named = bindparam("token") if token is None else token
    claimed = select(claim.c.index_uid).where(claim.c.token == named).scalar_subquery()
    number = select(claim.c.number).where(claim.c.token == named).scalar_subquery()
    return (work.c.claim_token == named) & (work.c.index_uid == claimed) & (work.c.claim_number == number)


def _held(token: str | None = None) -> ColumnElement[bool]:
    """The criterion that a claim has a work; without a token, that the parameter `token` names it."""
    named = bindparam("token") if token is None else token
    return (work.c.claim_token == named) & in_state(State.RUNNING, State.SUBMITTED)


def running(connection: Connection, token: str) -> list[Work]:
    """The running works of a claim; those of a newer release, which only it can judge, are left out."""
    query = select(work).where(of_claim(token), in_state(State.RUNNING), known()).order_by(work.c.id)
    return [record(row) for row in connection.execute(query)]


def known(item: FromClause = work) -> ColumnElement[bool]:
    """The criterion that this release knows the operation and mode of a work."""
    return among(item.c.operation, list(Operation)) & among(item.c.mode, list(Mode))
