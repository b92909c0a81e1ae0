"""Tracking: sessions whose flushes and ORM-enabled statements register by themselves, where that is asked for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from sqlalchemy import Result, event
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, UOWTransaction, scoped_session, sessionmaker

from ..asynchronous import of_asyncio
from ..declaration import mapping
from ..declaration.registry import Schemas
from ..declaration.schema import Schema
from ..errors import SessionError
from ..logs import log
from ..work import Operation
from . import record_ids, unseen_changes
from .capture import Capture
from .links import changes_links
from .statement_parts import Plain
from .tracked_relations import after_changes, before_deletions, capture_related_statement


class Tracker:
    """Tracks sessions for one `Scrypath`."""

    def __init__(self, schemas: Schemas, capture: Capture) -> None:
        self._schemas = schemas
        self._capture = capture
        self._plain = Plain()
        self._warned: set[Schema] = set()
        self._warned_of_related: set[Schema] = set()
        self._tracked: WeakSet[type[Session]] = WeakSet()
        self._own: WeakKeyDictionary[Any, type[Session]] = WeakKeyDictionary()
        self._listeners: Mapping[str, Callable[..., Any]] = {
            "before_flush": self._before_flush,
            "after_flush": self._after_flush,
            "do_orm_execute": self._execute,
        }

    def track(self, target: Any) -> None:
        """Capture what the sessions of a target write to declared classes, as `sync_record` and `delete_record` do.

        `target` is a sessionmaker, scoped_session, Session subclass, async_sessionmaker, async_scoped_session or
        AsyncSession subclass; sessions that it makes from now on are tracked. Flushes (collection changes too) and
        ORM-enabled statements are captured; a statement whose documents cannot be told raises SchemaError. Textual
        SQL, statements on a connection, the legacy bulk methods, triggers, what the database does by foreign keys and
        changes of related rows are not seen: warnings name the classes that the last two reach.

        Raises:
            SessionError: the target is none of these, or the global Session class.
        """
        session_class = self._class_of(target)
        if session_class not in self._tracked:
            self._tracked.add(session_class)
            for name, function in self._listeners.items():
                # SQLAlchemy tells listeners apart by their addresses, and would take this one for one that is gone.
                if event.contains(session_class, name, function):
                    event.remove(session_class, name, function)
                event.listen(session_class, name, function)
        for schema in self._schemas:
            for message in self._warnings(schema):
                warnings.warn(message, stacklevel=3)

    def untrack(self, target: Any) -> None:
        """Capture nothing more of a target's sessions; what they have registered is still written.

        Raises:
            SessionError: the target is none that `track` takes.
        """
        session_class = self._class_of(target)
        if session_class in self._tracked:
            self._tracked.discard(session_class)
            for name, function in self._listeners.items():
                event.remove(session_class, name, function)

    def _class_of(self, target: Any) -> type[Session]:
        scoped: tuple[type[Any], ...] = (scoped_session, *of_asyncio("async_scoped_session"))
        if isinstance(target, scoped):
            return self._class_of(target.session_factory)
        if isinstance(target, sessionmaker):
            return target.class_
        if isinstance(target, of_asyncio("async_sessionmaker")):
            return self._own_class(target)
        if isinstance(target, type) and issubclass(target, Session) and target is not Session:
            return target
        base = of_asyncio("AsyncSession")
        if isinstance(target, type) and issubclass(target, base) and target not in base:
            return self._own_class(target)
        wanted = "a sessionmaker, scoped_session, async_sessionmaker or a subclass of Session"
        raise SessionError(f"track takes {wanted}, not {getattr(target, '__name__', type(target).__name__)}")

    def _own_class(self, target: Any) -> type[Session]:
        """The Session class of an asynchronous target: one of its own, since its default is everybody's."""
        found = self._own.get(target)
        if found is None:
            maker = isinstance(target, of_asyncio("async_sessionmaker"))
            session_class = target.class_ if maker else target
            given = (target.kw.get("sync_session_class") if maker else None) or session_class.sync_session_class
            found = self._own[target] = type(given.__name__, (given,), {})
            if maker:
                target.configure(sync_session_class=found)
            else:
                target.sync_session_class = found
        return found

    def _before_flush(self, session: Session, _flush: UOWTransaction, _instances: Any) -> None:
        # The database alone knows an old id that was never loaded, and only until the flush.
        if not self._schemas or self._capture.silent:
            return
        found = [
            (schema, record, ids)
            for schema, record in self._declared((*session.dirty, *session.deleted))
            if (ids := record_ids.stored_ids(session, schema, record))
        ]
        if found:
            self._capture.note(session, Operation.UPSERT, found)
        before_deletions(self._capture, self._schemas, session)

    def _after_flush(self, session: Session, flush: UOWTransaction) -> None:
        if not self._schemas or self._capture.silent:
            return
        deleted = {id(record): record for record in session.deleted}
        # Orphans are deleted by the flush without being marked in the session.
        orphans = (state.obj() for state, (is_delete, listed) in flush.states.items() if is_delete and not listed)
        deleted |= {id(record): record for record in orphans if record is not None}
        fresh = [record for record in session.new if id(record) not in deleted]
        kept = [record for record in session.dirty if id(record) not in deleted]
        dirty = [record for record in kept if record_ids.is_changed(session, record)]
        changed = [
            (schema, record)
            for schema, record in self._declared(dirty)
            if record_ids.shows(schema, record) or changes_links(schema, record)
        ]
        upserts = [*self._declared(fresh), *changed]
        for operation, pairs in ((Operation.UPSERT, upserts), (Operation.DELETE, self._declared(deleted.values()))):
            found = [(schema, record, ()) for schema, record in pairs]
            if found:
                self._capture.note(session, operation, found)
        after_changes(self._capture, self._schemas, session, [*fresh, *dirty])

    def _execute(self, state: ORMExecuteState) -> Result[Any] | None:
        if state.is_column_load or state.is_relationship_load or not self._schemas or self._capture.silent:
            return None
        return capture_related_statement(self._capture, self._schemas, state, self._plain)

    def _declared(self, records: Iterable[Any]) -> Iterator[tuple[Schema, Any]]:
        for record in records:
            for schema in self._schemas.covering(type(record)):
                for message in self._warnings(schema):
                    log("unseen_changes", schema=schema.name, advice=message)
                yield schema, record

    def _owners_of(self, schema: Schema) -> list[Mapper[Any]]:
        """The mappers of the owners whose fan-outs lead to a schema, as far as that can be told by now."""
        routes = self._schemas.routes
        if not all(mapping.configured(owner.mapper) for owner in routes.owners()):
            return []
        return [one.owner.mapper for one in routes if one.target is schema]

    def _warnings(self, schema: Schema) -> list[str]:
        """What to say, once, of a class that changes without an event; of its relationships once they are known."""
        found = []
        if schema not in self._warned:
            self._warned.add(schema)
            found += unseen_changes.by_the_database(schema, self._owners_of(schema))
        if schema not in self._warned_of_related and mapping.configured(schema.mapper):
            self._warned_of_related.add(schema)
            found += unseen_changes.by_related_rows(schema, self._owners_of(schema))
        return found
