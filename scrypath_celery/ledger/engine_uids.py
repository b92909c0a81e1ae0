"""Which index of the engine stands for each index of the ledger."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from .tables import index


def other(connection: Connection, uid: str, engine_uid: str) -> str | None:
    """Another index of this ledger that the same index of the engine stands for, if any."""
    query = select(index.c.index_uid).where(index.c.engine_uid == engine_uid, index.c.index_uid != uid)
    return connection.execute(query.limit(1)).scalar()


def note(connection: Connection, uid: str, engine_uid: str) -> None:
    """Note that this index of the engine is ours."""
    connection.execute(update(index).where(index.c.index_uid == uid).values(engine_uid=engine_uid))
