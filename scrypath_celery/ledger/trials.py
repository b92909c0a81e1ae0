"""Works on trial: one of their documents failed a payload, so each group of them is sent alone until it is known which.

A group is what was in one payload, or a half of it. It is kept in the ledger, so that what was found out so far
survives the claim that found it.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from ..work import READY, Operation
from . import works
from .clock import now
from .tables import in_state, work

GROUPS = 16
"""The most groups that one claim takes."""


def ready(connection: Connection, uid: str, *, below: int, rebuild_id: int | None, rebuild_only: bool) -> list[int]:
    """The ids of the works of some groups of an index that could be claimed now, oldest first, locked.

    Those that were claimed `below` times or more without settling are left out: they have to stand alone. With
    `rebuild_only` those of the live index are, too; those of another rebuild than `rebuild_id` always.
    """
    available = (work.c.index_uid == uid) & in_state(*READY) & (work.c.claims < below)
    query = select(work.c.id, work.c.trial, work.c.operation).where(
        available, works.of_rebuild(rebuild_id), work.c.trial.is_not(None)
    )
    query = query.where(work.c.available_at <= now()).order_by(work.c.id).with_for_update(skip_locked=True)
    rows = connection.execute(query).all()
    # What fills the target of a rebuild goes to another index than all the rest.
    rebuild = rebuild_only or bool(rows and rows[0].operation == Operation.REINDEX)
    rows = [row for row in rows if (row.operation == Operation.REINDEX) == rebuild]
    groups = list(dict.fromkeys(row.trial for row in rows))[:GROUPS]
    return [row.id for row in rows if row.trial in groups]
