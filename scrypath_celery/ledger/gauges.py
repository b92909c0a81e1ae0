"""What a monitor asks of the ledger again and again: counts that stop at a limit, in few statements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, bindparam, case, func, select

from ..work import OPEN, ClaimState, ReasonClass, State
from .clock import now
from .publications import failing
from .tables import claim, in_state, ledger, work


@dataclass(frozen=True, kw_only=True)
class WorkCounts:
    """Works of one index that are open, by state, and its newest dead letters by reason class, up to a limit."""

    open: Mapping[State, int]
    dead_letters: Mapping[ReasonClass, int]


@dataclass(frozen=True, kw_only=True)
class ClaimCounts:
    """Claims of one index: held past their lease, held while a projection hangs, and with a send that may land yet."""

    over_lease: int = 0
    hanging: int = 0
    unresolved: int = 0


@dataclass(frozen=True, kw_only=True)
class RelayState:
    """How long ago (seconds) the last pass of the relay began, and whether works cannot be handed to Celery.

    Without any pass, how long ago the ledger was made.
    """

    age: float
    publishing_fails: bool


def work_counts(connection: Connection, uid: str, *, limit: int) -> WorkCounts:
    """Count works of an index: open ones of each state up to `limit`, and as many of the newest dead letters by class.

    Two statements, each of which reads no more rows of the database's indexes than the limit says.
    """
    values = {"uid": uid, "most": limit}
    row = connection.execute(_open_of_each(), values).one()
    dead = dict.fromkeys(ReasonClass, 0)
    for reason_class, count in connection.execute(_newest_dead_letters(), values):
        dead[ReasonClass.read(reason_class)] += int(count)
    return WorkCounts(
        open={state: int(count) for state, count in zip(OPEN, row, strict=True)},
        dead_letters=dead,
    )


@cache
def _open_of_each() -> Select[Any]:
    columns: list[Any] = []
    for state in OPEN:
        some = _limited(select(work.c.id).where(in_state(state))).subquery()
        columns.append(select(func.count()).select_from(some).scalar_subquery())
    return select(*columns)


@cache
def _newest_dead_letters() -> Select[Any]:
    # By class first would be the obvious way, but PostgreSQL reads the whole partial index for each.
    newest = select(work.c.reason_class).where(in_state(State.FAILED)).order_by(work.c.finished_at.desc())
    some = _limited(newest).subquery()
    return select(some.c.reason_class, func.count()).group_by(some.c.reason_class)


def _limited(query: Select[Any]) -> Select[Any]:
    return query.where(work.c.index_uid == bindparam("uid")).limit(bindparam("most", type_=Integer))


def claim_counts(connection: Connection) -> dict[str, ClaimCounts]:
    """Claims that are held or unresolved, by index; those that are over are not looked at."""
    held = claim.c.state == ClaimState.HELD.value
    kinds = {
        "over_lease": held & (claim.c.lease_until < now()),
        "hanging": held & claim.c.stuck_id.is_not(None),
        "unresolved": claim.c.state == ClaimState.UNRESOLVED.value,
    }
    sums = [func.sum(case((kind, 1), else_=0)).label(name) for name, kind in kinds.items()]
    states = claim.c.state.in_([ClaimState.HELD.value, ClaimState.UNRESOLVED.value])
    rows = connection.execute(select(claim.c.index_uid, *sums).where(states).group_by(claim.c.index_uid))
    return {
        row.index_uid: ClaimCounts(**{name: int(value) for name, value in row._mapping.items() if name in kinds})
        for row in rows
    }


def relay_state(connection: Connection) -> RelayState | None:
    """How the relay is; None where the ledger was never used."""
    last = case((ledger.c.relayed_at > 0.0, ledger.c.relayed_at), else_=ledger.c.created_at)
    fails = case((failing(), 1), else_=0)
    row = connection.execute(select(now() - last, fails).order_by(ledger.c.created_at).limit(1)).one_or_none()
    return None if row is None else RelayState(age=max(float(row[0]), 0.0), publishing_fails=bool(row[1]))
