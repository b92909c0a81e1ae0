"""What waits for another claim, or was given up for it: documents that are read again anyway, or by command alone."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from ..work import READY, State
from . import claims
from .tables import in_state, work


def document_ids(connection: Connection, uid: str, ids: Iterable[str]) -> set[str]:
    """Those of these ids whose works were claimed without settling and wait for another claim, or were given up."""
    wanted, found = set(ids), set[str]()
    again = in_state(*READY) & (work.c.claims > 0)
    dead = in_state(State.FAILED) & work.c.error_code.in_([claims.NEVER_SETTLED, claims.HANGS])
    for which in (again, dead):
        query = select(work.c.ids, work.c.remaining).where(work.c.index_uid == uid, which)
        for row in connection.execute(query):
            found |= wanted.intersection(row.ids if row.remaining is None else row.remaining)
    return found
