"""The session events that carry registrations through flushes, savepoints, commits and rollbacks.

They are attached to a session when it registers for the first time, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction

from .pending import COMMITTING, Register

_KEY = "scrypath_celery"
_LISTENING = "scrypath_celery.listening"


def registers(session: Session) -> dict[int, Register]:
    """The registers of a session's transaction, by the `id` of what they belong to."""
    found: dict[int, Register] = session.info.setdefault(_KEY, {})
    return found


def attach(session: Session) -> None:
    """Listen to a session, once."""
    if _LISTENING not in session.info:
        session.info[_LISTENING] = True
        for name, function in _LISTENERS.items():
            event.listen(session, name, function)


def begins_commit(session: Session) -> bool:
    """Note that a session begins its outermost commit; false where a savepoint is released instead."""
    outermost = not session.in_nested_transaction()
    if outermost:
        session.info[COMMITTING] = True
    return outermost


def _all(session: Session) -> Iterable[Register]:
    return tuple(session.info.get(_KEY, {}).values())


def _before_flush(session: Session, _flush: UOWTransaction, _instances: Any) -> None:
    for register in _all(session):
        register.before_flush(session)


def _after_flush_postexec(session: Session, _flush: UOWTransaction) -> None:
    for register in _all(session):
        register.after_flush(session)


def _before_commit(session: Session) -> None:
    if begins_commit(session):
        for register in _all(session):
            register.before_commit(session)


def _after_commit(session: Session) -> None:
    # Fires for the release of a savepoint too.
    savepoint = session.get_nested_transaction()
    for register in _all(session):
        if savepoint is None:
            register.committed = True
        else:
            register.release(savepoint)


def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        for register in _all(session):
            register.roll_back(transaction)
    elif transaction.parent is None:
        # Only now, not in after_commit: the session has given its connection back.
        ended = _all(session)
        session.info.pop(_KEY, None)
        session.info.pop(COMMITTING, None)
        for register in ended:
            register.end()


_LISTENERS: Mapping[str, Callable[..., None]] = {
    "before_flush": _before_flush,
    "after_flush_postexec": _after_flush_postexec,
    "before_commit": _before_commit,
    "after_commit": _after_commit,
    "after_transaction_end": _after_transaction_end,
}
