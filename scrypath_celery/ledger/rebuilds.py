"""What a rebuild asks of the ledger: its own works, how far they are, and what was claimed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from ..work import OPEN, ClaimState, Mode, Operation, State
from .tables import claim, index, work
from .works import write


def announce(connection: Connection, index_uid: str, operation: Operation, ids: Sequence[str]) -> tuple[int, ...]:
    """Write works of a rebuild, which the caller hands to Celery."""
    return write(connection, index_uid, operation, ids, Mode.CELERY) if ids else ()


def progress(connection: Connection, index_uid: str, operation: Operation, since: int) -> tuple[int, int, int]:
    """Of the works of an operation from id `since` on: open documents, other documents, failed works."""
    chosen = (work.c.index_uid == index_uid) & (work.c.operation == operation.value) & (work.c.id >= since)
    query = select(work.c.state, func.count(), func.sum(work.c.documents)).where(chosen).group_by(work.c.state)
    found = {State(state): (int(count), int(documents)) for state, count, documents in connection.execute(query)}
    left = sum(found[state][1] for state in OPEN if state in found)
    done = sum(documents for state, (_, documents) in found.items() if state not in OPEN)
    return left, done, found.get(State.FAILED, (0, 0))[0]


def claimed_since(connection: Connection, index_uid: str, number: int) -> tuple[int, list[str]]:
    """The newest claim number of an index, and the ids of all works claimed after `number` (rebuilds' own left out)."""
    upto = connection.execute(select(index.c.last_number).where(index.c.index_uid == index_uid)).scalar() or 0
    chosen = (work.c.index_uid == index_uid) & (work.c.claim_number > number)
    query = select(work.c.ids).where(chosen, work.c.operation != Operation.REINDEX.value).order_by(work.c.claim_number)
    found = dict.fromkeys(id for ids in connection.execute(query).scalars() for id in ids)
    return int(upto), list(found)


def unresolved_ids(connection: Connection, index_uid: str) -> list[str]:
    """The ids of all claims of an index of which a request may still land, or landed nobody knows where."""
    query = select(claim.c.ids).where(claim.c.index_uid == index_uid, claim.c.state == ClaimState.UNRESOLVED.value)
    return list(dict.fromkeys(id for ids in connection.execute(query).scalars() for id in ids))
