"""Notes beside an index: what was applied to it without its declaration, and what its last verification found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from .clock import now
from .indexes import ensure
from .tables import index

KEPT = 50
"""The most notes of hot applies that are kept of one index."""


def hot_applied(connection: Connection, uid: str) -> list[Mapping[str, Any]]:
    """What was hot-applied and is not dropped yet, oldest first: `at` (seconds since the epoch), `by`, `keys`."""
    found = connection.execute(select(index.c.hot_applied).where(index.c.index_uid == uid)).scalar()
    return list(found or ())


def note_hot_apply(connection: Connection, uid: str, keys: Sequence[str], by: str) -> None:
    """Note that these settings of an index were hot-applied now, and by whom."""
    ensure(connection, uid)
    at = round(float(connection.execute(select(now())).scalar_one()), 3)
    notes = [*hot_applied(connection, uid), {"at": at, "by": by, "keys": sorted(keys)}][-KEPT:]
    connection.execute(update(index).where(index.c.index_uid == uid).values(hot_applied=notes))


def forget_hot_applies(connection: Connection, uid: str, keys: Sequence[str] | None = None) -> None:
    """Forget the notes of these settings, which are as declared again (None: of all, the index is a new one)."""
    left = []
    for note in hot_applied(connection, uid) if keys is not None else ():
        rest = [key for key in note["keys"] if key not in (keys or ())]
        if rest:
            left.append({**note, "keys": rest})
    connection.execute(update(index).where(index.c.index_uid == uid).values(hot_applied=left or None))


def verified(connection: Connection, uid: str) -> Mapping[str, Any] | None:
    """What the last verification of an index found: `at` (seconds since the epoch) and counts; None before one."""
    found: Mapping[str, Any] | None = connection.execute(
        select(index.c.verified).where(index.c.index_uid == uid)
    ).scalar()
    return found


def note_verified(connection: Connection, uid: str, counts: Mapping[str, Any]) -> None:
    """Note what a verification found now."""
    ensure(connection, uid)
    at = round(float(connection.execute(select(now())).scalar_one()), 3)
    connection.execute(update(index).where(index.c.index_uid == uid).values(verified={"at": at, **counts}))
