"""What an operator does to works: retry them or give them up, each only from a state that allows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, select, update

from ..errors import WorkError
from ..work import State, Work
from . import totals, works
from .clock import now
from .tables import work

ALLOWED: Mapping[State, tuple[State, ...]] = {
    State.PENDING: (State.FAILED, State.RETRYING, State.CANCELLED),
    State.CANCELLED: (State.FAILED, State.RETRYING, State.PENDING),
}
"""The states that a work may be retried from (to `pending`), and given up from."""

VERB = {State.PENDING: "retried", State.CANCELLED: "cancelled"}
"""What is done to a work that gets this state, as its history says it."""

PUBLISHED_IN = 10.0
"""Seconds that the relay leaves the publication of a retried work to who retried it."""

Check = Callable[[Work], None]
"""Raises WorkError where a work must be left as it is for another reason than its state."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """The works that changed their state, as they were before, and why others did not, by id."""

    works: tuple[Work, ...]
    refused: Mapping[int, str]


def move(
    connection: Connection, ids: Sequence[int], to: State, *, by: str | None = None, check: Check = lambda item: None
) -> Moved:
    """Retry works (`to` is `pending`) or give them up (`cancelled`), each where its state allows it.

    They are locked first, so that of two who do this at once the second finds what the first has done. `by` is who
    did it, as their history shows it.
    """
    there = {item.id: item for item in works.find(connection, ids, lock=True)}
    fine: list[Work] = []
    refused: dict[int, str] = {}
    for id in ids:
        try:
            fine.append(_movable(there.get(id), id, to, check))
        except WorkError as exc:
            refused[id] = str(exc)
    if fine:
        _write(connection, fine, to, by)
    return Moved(works=tuple(fine), refused=refused)


def move_one(
    connection: Connection, id: int, to: State, *, by: str | None = None, check: Check = lambda item: None
) -> Work:
    """Do the same to one work; the work as it was before.

    Raises:
        WorkError: there is none, or it must be left as it is; nothing was changed.
    """
    moved = move(connection, [id], to, by=by, check=check)
    if not moved.works:
        raise WorkError(moved.refused[id])
    return moved.works[0]


def _movable(item: Work | None, id: int, to: State, check: Check) -> Work:
    if item is None:
        raise WorkError(f"no work with id {id} in the ledger")
    check(item)
    if item.state not in ALLOWED[to]:
        raise WorkError(f"work {id} cannot be {VERB[to]}: it is {item.state}")
    return item


def _write(connection: Connection, items: Sequence[Work], to: State, by: str | None) -> None:
    at = float(connection.execute(select(now())).scalar_one())
    statement = update(work).where(work.c.id == bindparam("moved"))
    if to is State.PENDING:
        # When it last ended is kept, so that a listing of what failed goes on behind it.
        fresh = {"attempts": 0, "claims": 0, "trial": None, "claim_token": None}
        statement = statement.values(**fresh, available_at=at, publish_after=at + PUBLISHED_IN)
    else:
        statement = statement.values(finished_at=at)
    rows = [{"moved": item.id, "told": works.history_with(item, _event(item, to, by), at=at)} for item in items]
    connection.execute(statement.values(state=to.value, history=bindparam("told", type_=work.c.history.type)), rows)
    if to is State.CANCELLED:
        for item in items:
            totals.add(connection, item.index_uid, totals.CANCELLED, times=1, documents=item.documents)


def _event(item: Work, to: State, by: str | None) -> dict[str, str | None]:
    return {"state": VERB[to], "from": item.state.value, "by": by}
