"""Parts of works: what is left of one, and documents that become a work of their own because they ended otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select, update

from ..work import State, Work
from .tables import in_state, index, work
from .works import of_claim


def held(connection: Connection, token: str) -> tuple[set[int], bool]:
    """The ids of the works that a claim still holds, locked until the transaction ends, and whether their index is
    paused."""
    rows = connection.execute(_held(), {"token": token}).all()
    return {row.id for row in rows}, any(row.paused for row in rows)


@cache
def _held() -> Select[Any]:
    # With the pause of the index, so that settling asks for it in no statement of its own.
    paused = select(index.c.paused_until).where(index.c.index_uid == work.c.index_uid).scalar_subquery()
    columns = (work.c.id, paused.is_not(None).label("paused"))
    return select(*columns).where(of_claim(), in_state(State.RUNNING)).with_for_update()


def narrow(connection: Connection, item: Work, ids: Sequence[str]) -> Work:
    """Leave a work these of its documents; the work as it is then."""
    if tuple(ids) == item.left:
        return item
    connection.execute(update(work).where(work.c.id == item.id).values(remaining=list(ids), documents=len(ids)))
    return replace(item, remaining=tuple(ids), documents=len(ids))


def split_off(connection: Connection, item: Work, ids: Sequence[str]) -> Work:
    """Make another work, alike but for its id, of these documents of a work; it is in the same claim and state."""
    row = connection.execute(select(work).where(work.c.id == item.id)).one()._mapping
    values = {column.name: row[column.name] for column in work.columns if column.name != "id"}
    result = connection.execute(
        work.insert().values(values | {"ids": list(ids), "remaining": None, "documents": len(ids)})
    )
    key = result.inserted_primary_key
    assert key is not None
    return replace(item, id=int(key[0]), ids=tuple(ids), remaining=None, documents=len(ids))


def split(connection: Connection, item: Work, apart: Sequence[str] | None = None) -> int:
    """Make two works of one with several documents, so that the one that hangs is found; the new work's id.

    The new work has the documents `apart`, or the second half.
    """
    rest = item.left[len(item.left) // 2 :] if apart is None else tuple(apart)
    new = split_off(connection, item, rest)
    narrow(connection, item, [id for id in item.left if id not in rest])
    return new.id
