"""The session events that carry registrations through flushes, savepoints, commits and rollbacks.

They are attached to a session when it registers for the first time, or to the class that is tracked; nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction

from .register import Register

_KEY = "scrypath_celery"


def registers(session: Session) -> dict[int, Register]:
    """The registers of a session's transaction, by the `id` of what they belong to."""
    found: dict[int, Register] = session.info.setdefault(_KEY, {})
    return found


def attach(target: Session | type[Session]) -> None:
    """Listen to a session, or to all of a class, once."""
    owner = type(target) if isinstance(target, Session) else target
    for name, function in _LISTENERS.items():
        if not event.contains(target, name, function) and not event.contains(owner, name, function):
            event.listen(target, name, function)


def detach(target: type[Session]) -> None:
    """Listen no more to all sessions of a class."""
    for name, function in _LISTENERS.items():
        if event.contains(target, name, function):
            event.remove(target, name, function)


def _all(session: Session) -> Iterable[Register]:
    return tuple(session.info.get(_KEY, {}).values())


def _before_flush(session: Session, _flush: UOWTransaction, _instances: Any) -> None:
    for register in _all(session):
        register.before_flush(session)


def _after_flush_postexec(session: Session, _flush: UOWTransaction) -> None:
    for register in _all(session):
        register.after_flush(session)


def _before_commit(session: Session) -> None:
    if not session.in_nested_transaction():
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
        for register in ended:
            register.end()


_LISTENERS: Mapping[str, Callable[..., None]] = {
    "before_flush": _before_flush,
    "after_flush_postexec": _after_flush_postexec,
    "before_commit": _before_commit,
    "after_commit": _after_commit,
    "after_transaction_end": _after_transaction_end,
}
