"""The remembered marks in the engine's list of tasks: a task that we gave a token, to tell that engine from another."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Connection, Update, bindparam, case, select, update

from ..declaration.generation import FIRST, generation_of
from ..notices import DriftFound
from ..work import ClaimState, Mark
from . import noted
from .clock import now
from .indexes import in_generation
from .tables import claim, index


def newest(connection: Connection, generation: int = FIRST) -> Mark | None:
    """The mark of the highest uid among all indexes of a generation; None where nothing was sent yet."""
    query = select(index.c.index_uid, index.c.high_uid, index.c.high_token).where(index.c.high_uid.is_not(None))
    rows = connection.execute(query.order_by(index.c.high_uid.desc())).all()  # a row an index: they are few
    row = next((row for row in rows if generation_of(row.index_uid) == generation), None)
    return None if row is None else Mark(index_uid=row.index_uid, uid=row.high_uid, token=row.high_token)


def of_index(connection: Connection, uid: str) -> Mark | None:
    """The mark of one index."""
    row = connection.execute(select(index.c.high_uid, index.c.high_token).where(index.c.index_uid == uid)).one_or_none()
    if row is None or row.high_uid is None:
        return None
    return Mark(index_uid=uid, uid=row.high_uid, token=row.high_token)


def advance(connection: Connection, uid: str, engine_uid: int, token: str) -> None:
    """Note the newest task of an index that was seen to bear `token`."""
    connection.execute(_advance(), {"uid": uid, "task": engine_uid, "token": token})


@cache
def _advance() -> Update:
    newer = index.c.high_uid.is_(None) | (index.c.high_uid < bindparam("task"))
    query = update(index).where(index.c.index_uid == bindparam("uid"), newer)
    return query.values(high_uid=bindparam("task"), high_token=bindparam("token"))


def note_loss(connection: Connection, mark: Mark) -> bool:
    """Note for every index of the mark's generation that the engine lost what was settled.

    False where somebody noted it for this mark.

    Marks and unresolved sends start anew: uids of the lost list say nothing about the new one.
    """
    query = select(index.c.high_uid, index.c.high_token).where(index.c.index_uid == mark.index_uid).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is None or (row.high_uid, row.high_token) != (mark.uid, mark.token):
        return False
    known = case((index.c.lost_since.is_(None), now()), else_=index.c.lost_since)
    generation = generation_of(mark.index_uid)
    lost = in_generation(connection, index.c.index_uid, generation)
    connection.execute(update(index).where(lost).values(lost_since=known, high_uid=None, high_token=None))
    watched = in_generation(connection, claim.c.index_uid, generation) & (claim.c.state == ClaimState.UNRESOLVED.value)
    connection.execute(update(claim).where(watched).values(seen_uid=None, engine_uids=[]))
    for uid in connection.execute(select(index.c.index_uid).where(lost)).scalars():
        noted.note(connection, DriftFound(index_uid=uid, found_by="engine", kinds=("engine_restored",)))
    return True


def end_loss(connection: Connection, uid: str, *, before: float | None = None) -> bool:
    """Note that an index was rebuilt since; with `before` (a time) only for a loss that was noted by then."""
    query = update(index).where(index.c.index_uid == uid, index.c.lost_since.is_not(None))
    if before is not None:
        query = query.where(index.c.lost_since <= before)
    return connection.execute(query.values(lost_since=None)).rowcount > 0
