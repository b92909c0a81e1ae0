"""Records that no session holds: what was changed of them, nobody saves, and the index follows the database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy.orm import Session

from ..logs import log
from ..work import Operation
from .registration import Registration


def warn_of_unheld(session: Session | None, items: Sequence[Registration]) -> None:
    """Say which records were to be synced that are in no session, and whose changes are therefore not saved.

    The original of a `merge` is none of them: its copy is, or was at an earlier flush, in the session.
    """
    unheld = _unheld(session, items)
    if not unheld:  # nearly always
        return
    unheld = [item for item in unheld if item.operation is Operation.UPSERT]
    note_copies(session, unheld)
    for item in unheld:
        if not item.has_copy:
            log("record_unheld", schema=item.schema.name)


def note_copies(session: Session | None, items: Iterable[Registration]) -> None:
    """Note which records are in the session as a copy, which it keeps no longer than until its flush."""
    if session is None:
        return
    for item in _unheld(session, items):
        item.has_copy = item.has_copy or _finds_copy(session, item)


def _unheld(session: Session | None, items: Iterable[Registration]) -> list[Registration]:
    """Those whose record has something to save, and is in no session."""
    here = None if session is None else session.hash_key
    found = []
    for item in items:
        state = item.record_state
        if state is None or (state.session_id is not None and state.session_id == here):  # nearly all
            continue
        if (state.key is None or state.modified) and (state.transient or state.detached):
            found.append(item)
    return found


def _finds_copy(session: Session, item: Registration) -> bool:
    mapper = item.schema.mapper
    key = mapper.identity_key_from_instance(item.record)
    if key in session.identity_map:
        return True
    same = (record for record in session.new if isinstance(record, mapper.class_))
    return any(mapper.identity_key_from_instance(record) == key for record in same)
