"""Which related documents a record means by itself: through a reference that it holds, now and before its change."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from sqlalchemy import Column, select
from sqlalchemy.orm import PassiveFlag, Session, object_session
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.exc import ObjectDeletedError
from sqlalchemy.sql import ClauseElement

from ..declaration.fan_out import Route
from ..work import MAX_IDS
from .record_ids import state_of


def told_ids(route: Route, record: Any) -> list[str]:
    """The ids that a record's reference says without asking the database: those it has, and had before its change."""
    return _plain_ids(route, _told(route, record)) if _by_id(route) else []


def stored_ids(session: Session, route: Route, record: Any) -> list[str]:
    """The same, with what the database has for a reference that was never loaded; ask before the flush."""
    state, values = state_of(record), _told(route, record)
    history = get_history(record, _attribute(route), passive=PassiveFlag.PASSIVE_NO_INITIALIZE)
    with session.no_autoflush:
        if state.identity is not None and not history.deleted and not history.unchanged:
            query = select(getattr(route.owner.model, _attribute(route)))
            for column, value in zip(state.mapper.primary_key, state.identity, strict=True):
                query = query.where(column == value)
            values.append(session.execute(query).scalar())
        return _ids(session, route, values)


def loaded_ids(route: Route, record: Any) -> list[str]:
    """The same for a saved record, reading its reference where it is not loaded."""
    session, values = object_session(record), _told(route, record)
    if session is None:
        return _plain_ids(route, values) if _by_id(route) else []
    with suppress(ObjectDeletedError):
        values.append(getattr(record, _attribute(route)))
    with session.no_autoflush:
        return _ids(session, route, values)


def _ids(session: Session, route: Route, values: list[Any]) -> list[str]:
    if _by_id(route):
        return _plain_ids(route, values)
    known = list(dict.fromkeys(value for value in values if _is_plain(value)))
    found: list[str] = []
    for start in range(0, len(known), MAX_IDS):
        chosen = _remote(route).in_(known[start : start + MAX_IDS])
        query = select(getattr(route.target.model, route.target.key)).where(chosen)
        found += _plain_ids(route, session.scalars(query))
    return found


def _told(route: Route, record: Any) -> list[Any]:
    history = get_history(record, _attribute(route), passive=PassiveFlag.PASSIVE_NO_INITIALIZE)
    return [*(history.deleted or ()), *(history.unchanged or ()), *(history.added or ())]


def _plain_ids(route: Route, values: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(route.target.id_of(value) for value in values if _is_plain(value)))


def _is_plain(value: Any) -> bool:
    return value is not None and not isinstance(value, ClauseElement)


def _attribute(route: Route) -> str:
    local, _ = route.reference
    return str(route.owner.mapper.get_property_by_column(local).key)


def _remote(route: Route) -> Column[Any]:
    _, remote = route.reference
    assert isinstance(remote, Column)
    return remote


def _by_id(route: Route) -> bool:
    """Whether the reference is to the document id."""
    target = route.target
    return target.mapper.has_property(target.key) and _remote(route) in getattr(
        target.mapper.get_property(target.key), "columns", ()
    )
