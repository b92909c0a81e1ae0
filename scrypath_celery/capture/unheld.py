"""Records that no session holds: what was changed of them, nobody saves, and the index follows the database."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from ..work import Operation
from .registration import Registration

logger = logging.getLogger("scrypath_celery")


def warn_of_unheld(session: Session | None, items: Sequence[Registration]) -> None:
    """Say which records were to be synced that are in no session, and whose changes are therefore not saved.

    The original of a `merge` is none of them: its copy is, or was at an earlier flush, in the session.
    """
    note_copies(session, items)
    for item in items:
        if item.operation is Operation.UPSERT and _is_unheld(item) and not item.has_copy:
            logger.warning(
                "a %s that was synced is in no session, so nobody saves it (id %s): add or merge it into the session"
                " first; the index gets what the database holds",
                item.schema.name,
                next(iter(item.ids), "unknown"),
            )


def note_copies(session: Session | None, items: Iterable[Registration]) -> None:
    """Note which records are in the session as a copy, which it keeps no longer than until its flush."""
    for item in items:
        if session is not None and not item.has_copy and _is_unheld(item):
            item.has_copy = _finds_copy(session, item)


def _is_unheld(item: Registration) -> bool:
    state = item.record_state
    return state is not None and (state.transient or (state.detached and state.modified))


def _finds_copy(session: Session, item: Registration) -> bool:
    mapper = item.schema.mapper
    key = mapper.identity_key_from_instance(item.record)
    if key in session.identity_map:
        return True
    same = (record for record in session.new if isinstance(record, mapper.class_))
    return any(mapper.identity_key_from_instance(record) == key for record in same)
