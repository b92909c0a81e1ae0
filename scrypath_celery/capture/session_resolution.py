"""The session that a call belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session, object_session

from ..errors import SessionError


def home(session: Any, records: Sequence[Any]) -> Session | None:
    """The session of a call: the one given, else that of its records; None where all records are detached.

    Raises:
        SessionError: `session` is none, or the records belong to another one or to several.
    """
    owners = {id(owner): owner for owner in map(object_session, records) if owner is not None}
    if session is not None:
        given = sync_session(session)
        if any(owner is not given for owner in owners.values()):
            raise SessionError("a record belongs to another session than session=: pass the session that writes it")
        return given
    if len(owners) > 1:
        raise SessionError("the records belong to several sessions: make one call for each")
    return next(iter(owners.values()), None)


def sync_session(session: Any) -> Session:
    """The Session of a Session, AsyncSession, scoped_session or async_scoped_session.

    Raises:
        SessionError: it is none of these.
    """
    if isinstance(session, Session):
        return session
    # Asked for by attribute: sqlalchemy.ext.asyncio stays unloaded where nobody uses it.
    inner = getattr(session, "sync_session", None)
    if isinstance(inner, Session):
        return inner
    registry = getattr(session, "registry", None)
    if callable(registry):
        return sync_session(registry())
    raise SessionError(f"session= must be a Session or AsyncSession, not {type(session).__name__}")
