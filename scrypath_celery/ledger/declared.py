"""What each index was made with: written by what makes it true, and by nothing else."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from ..declaration.changes import DOCUMENTS, KEY, SETTINGS, Declared, fingerprint
from .tables import index

WHOLE = (KEY, SETTINGS, DOCUMENTS)


def begin(connection: Connection, uid: str, mark: str) -> None:
    """Note that an index is about to be made; the mark stands where its fingerprint will."""
    connection.execute(update(index).where(index.c.index_uid == uid).values(fingerprint=mark, declared=None))


def note(connection: Connection, uid: str, declared: Declared, parts: Collection[str] = WHOLE) -> None:
    """Note that an index is as declared, in these parts; of the others what is known stays."""
    known = {} if set(parts) == set(WHOLE) else dict(of_index(connection, uid) or {})
    put(connection, uid, {**known, **{part: declared[part] for part in parts}})


def of_index(connection: Connection, uid: str) -> Declared | None:
    """What an index was made with, as far as that is known; None where nothing is."""
    found: Declared | None = connection.execute(select(index.c.declared).where(index.c.index_uid == uid)).scalar()
    return found


def put(connection: Connection, uid: str, declared: Declared | None) -> None:
    """Write down what an index was made with; None where nothing is known."""
    values = {"declared": declared, "fingerprint": None if declared is None else fingerprint(declared)}
    connection.execute(update(index).where(index.c.index_uid == uid).values(**values))
