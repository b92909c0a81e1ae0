"""A record as the subject of work: which document ids it means, now and before a change that is not flushed yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import InstanceState, PassiveFlag, Session
from sqlalchemy.orm.attributes import get_history, instance_dict, instance_state
from sqlalchemy.orm.base import NO_VALUE
from sqlalchemy.orm.exc import ObjectDeletedError
from sqlalchemy.sql import ClauseElement

from ..declaration.document_ids import may_be_respelt, respelt
from ..declaration.fan_out import Route
from ..declaration.schema import Schema


def state_of(record: Any) -> InstanceState[Any]:
    """SQLAlchemy's state of a record."""
    state: InstanceState[Any] = instance_state(record)
    return state


def known_ids(schema: Schema, record: Any) -> list[str]:
    """The ids of a record that can be told without asking the database: the one it has, and the one it had."""
    state: InstanceState[Any] = instance_state(record)
    if schema.by_primary_key and state.committed_state.get(schema.key, NO_VALUE) is NO_VALUE:  # nearly all
        value = instance_dict(record).get(schema.key) if state.key is None else state.key[1][0]
        if type(value) is int:
            return [str(value)]
    values: list[Any] = []
    if schema.by_primary_key and state.identity is not None:
        values.append(state.identity[0])
    if schema.key in state.manager:
        history = get_history(record, schema.key, passive=PassiveFlag.PASSIVE_NO_INITIALIZE)
        values += [*(history.deleted or ()), *(history.unchanged or ()), *(history.added or ())]
    return _texts(schema, values)


def is_changed(session: Session, record: Any, *, collections: bool = True) -> bool:
    """Whether a flush that is about to end has changed a record.

    An attribute that was set to an SQL expression has no history left by now: it is expired instead.
    """
    return session.is_modified(record, include_collections=collections) or bool(state_of(record).expired_attributes)


def shows(watching: Schema | Route, record: Any) -> bool:
    """Whether what a flush has changed of a record can change its document, or those that a fan-out leads to."""
    names = watching.attributes_to_watch
    if names is None:
        return True
    if not state_of(record).expired_attributes.isdisjoint(names):
        return True
    passive = PassiveFlag.PASSIVE_NO_INITIALIZE
    return any(get_history(record, name, passive=passive).has_changes() for name in names)


def loaded_ids(schema: Schema, record: Any) -> list[str]:
    """The same for a saved record, reading its id from the database where it is not loaded."""
    ids = known_ids(schema, record)
    if ids and schema.by_primary_key:
        return ids
    state = state_of(record)
    value = state.dict.get(schema.key)
    if state.session is None or not state.has_identity or (value is not None and not isinstance(value, ClauseElement)):
        return ids
    try:
        return list(dict.fromkeys([*ids, *_texts(schema, [getattr(record, schema.key)])]))
    except ObjectDeletedError:
        return ids


def stored_ids(session: Session, schema: Schema, record: Any) -> list[str]:
    """The id that the database has for a record of which it was never loaded, or was expired, or is deleted under
    the spelling that the application gave it.

    Ask before a change or a deletion is flushed; afterwards it is gone.
    """
    state = state_of(record)
    if not state.persistent or state.identity is None:
        return []
    mapper = state.mapper
    if schema.by_primary_key:
        kind, value = mapper.primary_key[0].type, state.identity[0]
        if record not in session.deleted:
            return []
        if not may_be_respelt(kind, value):
            return list(respelt(kind, _texts(schema, [value])))
    elif not _hidden(schema, record, state):
        return []
    query = select(getattr(schema.model, schema.key))
    for column, value in zip(mapper.primary_key, state.identity, strict=True):
        query = query.where(column == value)
    with session.no_autoflush:
        return _texts(schema, [session.execute(query).scalar()])


def _hidden(schema: Schema, record: Any, state: InstanceState[Any]) -> bool:
    if schema.key not in state.manager:  # a hybrid: its value follows other attributes
        return state.modified or record in (state.session.deleted if state.session is not None else ())
    history = get_history(record, schema.key, passive=PassiveFlag.PASSIVE_NO_INITIALIZE)
    return not history.deleted and not history.unchanged


def _texts(schema: Schema, values: list[Any]) -> list[str]:
    plain = (value for value in values if value is not None and not isinstance(value, ClauseElement))
    return list(dict.fromkeys(schema.id_of(value) for value in plain))
