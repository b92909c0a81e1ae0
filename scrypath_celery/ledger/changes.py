"""Which documents of an index work was open for since a moment: what may have changed meanwhile."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from ..work import OPEN, State
from .clock import now
from .rebuilds import active
from .tables import work


def moment(connection: Connection) -> float:
    """Now, on the ledger database's clock (seconds since the epoch)."""
    return float(connection.execute(select(now())).scalar_one())


def changing(connection: Connection, index_uid: str, since: float, ids: Collection[str]) -> set[str]:
    """Those of these ids for which work is open, or was at any time since `since`."""
    settled = [state.value for state in State if state not in OPEN]
    # Two queries, so that each has an index.
    conditions = (
        work.c.state.in_([state.value for state in OPEN]),
        work.c.state.in_(settled) & (work.c.finished_at >= since),
    )
    wanted, found = set(ids), set[str]()
    for condition in conditions:
        query = select(work.c.ids).where(work.c.index_uid == index_uid, condition)
        for listed in connection.execute(query.execution_options(yield_per=1_000)).scalars():
            found |= wanted.intersection(listed)
    return found


def cutting_over(connection: Connection, index_uid: str) -> bool:
    """Whether a rebuild may be swapping this index now: what the swap outran is requeued when that is over."""
    rebuild = active(connection, index_uid)
    return rebuild is not None and (rebuild.phase == "after_swap" or (rebuild.phase == "cut_over" and rebuild.tried))
