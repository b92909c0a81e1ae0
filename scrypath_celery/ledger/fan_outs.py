"""Works that stand for related documents: taken by a lease of their own, moved on page by page.

They hold ids of owners, not of documents, so they are no part of a claim. Who reads a page has raised `claims` before,
and writes only where nobody else did so since.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select, update

from ..work import PRIORITY, READY, Failure, Operation, State, Work
from . import noted, ready, totals, works
from .clock import now
from .tables import in_state, work

_OURS = work.c.operation == Operation.FAN_OUT.value


def take(
    connection: Connection, uid: str, *, lease: float, worker: str, only: Sequence[int] | None, keys: Sequence[str]
) -> Work | None:
    """Take the fan-out into an index that waits longest, for one lease; None where there is none.

    `keys` are the fan-outs that the caller declares. `only` names the works to take, also before they
    are available to others.
    """
    for id in waiting(connection, uid, only):
        item = works.get(connection, id)
        if item.fan_out not in keys:
            continue  # of a release that declares it
        values = {"claims": item.claims + 1, "worker": worker, "started_at": now()}
        taken = _where(item).values(**values, available_at=now() + lease, publish_after=now() + lease)
        if connection.execute(taken).rowcount:
            return replace(item, claims=item.claims + 1, worker=worker)
    return None


def waiting(connection: Connection, uid: str, only: Sequence[int] | None) -> list[int]:
    """The fan-outs into an index that could be taken now, those first that wait longest."""
    if only is not None:
        query = select(work.c.id).where(work.c.id.in_(only), _OURS, work.c.index_uid == uid, in_state(*READY))
        return list(connection.execute(query.order_by(work.c.id)).scalars())
    priority = PRIORITY[Operation.FAN_OUT]
    return [row.id for row in ready.claimable(connection, uid, priority, limit=100)]


def move(connection: Connection, item: Work, cursor: Sequence[Any] | None) -> bool:
    """Note how far a fan-out was read, or that it is done (None); false where it is another's by now."""
    values: dict[str, Any] = {"claims": 0, "attempts": 0, "cursor": None if cursor is None else list(cursor)}
    if cursor is None:
        values |= {"state": State.SUCCEEDED.value, "finished_at": now()}
        values |= dict.fromkeys(("reason", "reason_class", "error_code"))
    else:
        values |= {"available_at": now(), "publish_after": now() + 10.0}
    moved = connection.execute(_where(item).values(**values)).rowcount
    if cursor is None:
        totals.add(connection, item.index_uid, totals.SUCCEEDED, times=moved, documents=0)
    return moved > 0


def fail(connection: Connection, item: Work, failure: Failure, delay: float | None) -> bool:
    """Note that a fan-out could not be resolved: it is tried again in `delay` seconds, or is a dead letter (None)."""
    state = State.FAILED if delay is None else State.RETRYING
    told_by = noted.teller(item) if delay is None else None
    event = {"state": state.value, "worker": item.worker, "task": item.task_id, "told_by": told_by}
    told = {**event, "reason": failure.reason[:200], "class": failure.reason_class.value, "code": failure.code}
    changed = _where(item).values(
        state=state.value,
        attempts=item.attempts + 1,
        claims=0,
        available_at=now() + (delay or 0.0),
        publish_after=now() + (delay or 0.0),
        finished_at=now() if delay is None else None,
        reason=failure.reason[:500],
        reason_class=failure.reason_class.value,
        error_code=(failure.code or "")[:64] or None,
        history=works.remember(connection, item, told),
    )
    done = connection.execute(changed).rowcount > 0
    if done:
        totals.ended_badly(connection, item, state, failure, 0)
    if done and delay is None:
        noted.note_dead_letter(connection, item, failure, item.documents, by_runner=True)
    return done


def mark_of(id: int) -> str:
    """What works bear as their fan-out that were written for the one of this id."""
    return f"of {id}"


def standing(connection: Connection, ids: Sequence[int]) -> list[tuple[State, str | None]]:
    """State and reason class of the works that were written for these fan-outs."""
    marks = [mark_of(id) for id in ids]
    rows = connection.execute(select(work.c.state, work.c.reason_class).where(work.c.fan_out.in_(marks)))
    return [(State(state), reason) for state, reason in rows]


def _where(item: Work) -> Any:
    return update(work).where(work.c.id == item.id, _OURS, in_state(*READY), work.c.claims == item.claims)
