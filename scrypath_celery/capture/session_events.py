"""The session events that carry registrations through flushes, savepoints, commits and rollbacks.

They are listened to for all sessions of a process, since a call may be made in any event of its session: a listener
that is added while the event runs would come too late, or break SQLAlchemy's own loop. A session that registers
nothing costs one look into its `info`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction, UOWTransaction

from .pending import PendingWorks

_KEY = "scrypath_celery"


@dataclass(kw_only=True)
class SessionPhase:
    """Where a session is, and what it has registered, by the `id` of the capture that it belongs to.

    `committed` holds from the commit to the end of the transaction, `rolled_back` likewise; `ended_by_commit` says of
    a session without a transaction how its last one ended.
    """

    pending: dict[int, PendingWorks] = field(default_factory=dict)
    flushing: bool = False
    committing: bool = False
    committed: bool = False
    rolled_back: bool = False
    ended_by_commit: bool = False


def phase_of(session: Session) -> SessionPhase:
    """The phase of a session."""
    found = session.info.get(_KEY)
    if found is None:
        found = session.info[_KEY] = SessionPhase()
    assert isinstance(found, SessionPhase)
    return found


def listen() -> None:
    """Listen to the sessions of this process, once."""
    for name, function in _LISTENERS.items():
        if not event.contains(Session, name, function):
            event.listen(Session, name, function)


def _before_flush(session: Session, _flush: UOWTransaction, _instances: Any) -> None:
    phase = phase_of(session)
    phase.flushing = True
    for pending in tuple(phase.pending.values()):
        pending.before_flush(session)


def _after_flush_postexec(session: Session, _flush: UOWTransaction) -> None:
    phase = phase_of(session)
    for pending in tuple(phase.pending.values()):
        pending.after_flush(session, committing=phase.committing)
    phase.flushing = False


def _before_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return
    phase = phase_of(session)
    phase.committing = True
    for pending in tuple(phase.pending.values()):
        pending.before_commit(session)


def _after_commit(session: Session) -> None:
    # Fires for the release of a savepoint too.
    savepoint, phase = session.get_nested_transaction(), phase_of(session)
    if savepoint is None:
        phase.committed = True
        return
    for pending in tuple(phase.pending.values()):
        pending.release(savepoint)


def _after_rollback(session: Session) -> None:
    if not session.in_nested_transaction():
        phase_of(session).rolled_back = True


def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    phase = phase_of(session)
    phase.flushing = False
    if transaction.nested:
        for pending in tuple(phase.pending.values()):
            pending.roll_back(transaction)
    elif transaction.parent is None:
        # Only now, not in after_commit: the session has given its connection back.
        session.info[_KEY] = SessionPhase(ended_by_commit=phase.committed)
        for pending in phase.pending.values():
            pending.end(committed=phase.committed, rolled_back=phase.rolled_back)


_LISTENERS: Mapping[str, Callable[..., None]] = {
    "before_flush": _before_flush,
    "after_flush_postexec": _after_flush_postexec,
    "before_commit": _before_commit,
    "after_commit": _after_commit,
    "after_rollback": _after_rollback,
    "after_transaction_end": _after_transaction_end,
}
