"""The calls beside a write: they register in the caller's session, or write in a transaction of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import Any, Unpack

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from ..arguments import RecordOptions, SyncOptions, WriteOptions, refuse_unknown
from ..declaration.document_ids import valid_id
from ..declaration.schema import Schema
from ..errors import ConfigError, SessionError
from ..runtime import Runtime
from ..work import Mode, Operation
from .after_commit import Written, deliver
from .generations import in_all_generations
from .pending import PendingWorks
from .record_ids import shows
from .registration import NOW, Group, Registration, group_of
from .related import of_owner, routes_of, write_group
from .result import ResultState, SyncResult
from .session_events import listen, phase_of
from .session_resolution import (
    chooses_by_record,
    connected,
    data_bind,
    home,
    refuse_ended,
    refuse_translation,
    sync_session,
)
from .unheld import warn_of_unheld

_MODES: Mapping[str, Mode] = {mode.value: mode for mode in Mode}
_DISABLED: ContextVar[frozenset[int]] = ContextVar("scrypath_capture_disabled", default=frozenset())


class Capture:
    """The calls of one `Scrypath`; `runtime` is asked at each call.

    With a session (`session=`, or the records' own) a call registers and does no I/O and no flush: the works join
    the session's transaction and savepoint, whether it is a Session or an AsyncSession. Without one they are written
    at once, in a transaction of their own. `sync_mode` beats the option for one call.
    """

    def __init__(self, runtime: Callable[[], Runtime]) -> None:
        self._runtime = runtime
        listen()

    def sync_record(self, record: Any, **how: Unpack[SyncOptions]) -> SyncResult:
        """Make the index say what the database says of a record once its transaction is committed.

        If the document's id changes, call this before the change is flushed: both ids are registered.

        Raises:
            SchemaError: its class has no schema. SessionError: it has no session and no known id, or another session.
            ConfigError: there is no such option.
        """
        return self._records(Operation.UPSERT, (record,), how, later(how.get("at")))

    def sync_records(self, records: Iterable[Any], **how: Unpack[SyncOptions]) -> SyncResult:
        """The same for many records of one session."""
        return self._records(Operation.UPSERT, records, how, later(how.get("at")))

    def delete_record(self, record: Any, **how: Unpack[RecordOptions]) -> SyncResult:
        """Take a record's document from the index; where the record still exists it is indexed again."""
        return self._records(Operation.DELETE, (record,), how)

    def delete_records(self, records: Iterable[Any], **how: Unpack[RecordOptions]) -> SyncResult:
        """The same for many records of one session."""
        return self._records(Operation.DELETE, records, how)

    def sync_related(self, owner: Any, **how: Unpack[WriteOptions]) -> SyncResult:
        """Re-sync the documents that the fan-outs of a record's class name, once its transaction is committed.

        Raises:
            SchemaError: its class declares no fan-outs. SessionError: it has no session and no known id.
        """
        refuse_unknown(how, WriteOptions.__optional_keys__, of="sync_related")
        runtime = self._runtime()
        result = self._result(runtime, how.get("sync_mode"), 1)
        result.fans_out = True
        items = of_owner(runtime.schemas.routes, routes_of(runtime, owner), result, owner, ())
        return self._take(runtime, home(how.get("session"), (owner,)), items, result)

    def delete_document(self, schema: Any, id: Any, **how: Unpack[WriteOptions]) -> SyncResult:
        """Take a document from the index by its id (`schema`: the class, for all its indexes, or the name of one).

        Raises:
            SchemaError: there is no such schema. ProjectionError: the engine would refuse the id.
        """
        return self.delete_documents(schema, (id,), **how)

    def delete_documents(self, schema: Any, ids: Iterable[Any], **how: Unpack[WriteOptions]) -> SyncResult:
        """The same for many ids."""
        refuse_unknown(how, WriteOptions.__optional_keys__, of="delete_documents")
        runtime = self._runtime()
        found, session = runtime.schemas.all_of(schema), how.get("session")
        chosen = dict.fromkeys(valid_id(id) for id in ids)
        result = self._result(runtime, how.get("sync_mode"), len(chosen))
        items = [
            Registration(schema=one, operation=Operation.DELETE, result=result, ids=dict(chosen))
            for one in (found if chosen else ())
        ]
        return self._take(runtime, None if session is None else sync_session(session), items, result)

    @contextmanager
    def capture_disabled(self) -> Iterator[None]:
        """Within this context (of this thread or asyncio task) calls and tracked flushes record nothing."""
        token = _DISABLED.set(_DISABLED.get() | {id(self)})
        try:
            yield
        finally:
            _DISABLED.reset(token)

    @property
    def silent(self) -> bool:
        """Whether nothing is to be recorded here and now."""
        return id(self) in _DISABLED.get() or self._runtime().options.sync_mode == Mode.OFF

    def note(self, session: Session, operation: Operation, found: Sequence[tuple[Schema, Any, Iterable[str]]]) -> None:
        """Register what tracking saw in a session: schema, record (or None) and ids of each."""
        runtime = self._runtime()
        result = self._result(runtime, None, len(found))
        items = []
        for schema, record, ids in found:
            item = Registration(schema=schema, operation=operation, result=result, record=record)
            item.learn(ids)
            items.append(item)
        self._take(runtime, session, items, result)

    def note_related(
        self, session: Session, found: Sequence[tuple[Schema, Any, Iterable[str]]], *, only_shown: bool = False
    ) -> None:
        """Register what tracking saw as related: the owner's schema, its record (or None) and ids of each.

        `only_shown` leaves out fan-outs that depend on nothing of what a flush has changed of the record.
        """
        runtime = self._runtime()
        result = self._result(runtime, None, len(found))
        items, routes = list[Registration](), runtime.schemas.routes
        for owner, record, ids in found:
            owned = [route for route in routes.of(owner) if not only_shown or shows(route, record)]
            items += of_owner(routes, owned, result, record, ids)
        self._take(runtime, session, items, result)

    def _records(
        self, operation: Operation, records: Iterable[Any], how: RecordOptions | SyncOptions, at: float | None = None
    ) -> SyncResult:
        known = SyncOptions if operation is Operation.UPSERT else RecordOptions
        refuse_unknown(how, known.__optional_keys__, of="a call that registers records")
        runtime = self._runtime()
        chosen, schemas = list(records), runtime.schemas
        result = self._result(runtime, Mode.CELERY if at else how.get("sync_mode"), len(chosen))
        result.is_scheduled = bool(at)
        items: list[Registration] = []
        of_model: dict[type[Any], list[tuple[Schema, Group]]] = {}
        for record in chosen:
            found = of_model.get(type(record))
            if found is None:
                of_record = schemas.of_record(record, how.get("schema"))
                found = [(schema, group_of(schema, operation, result, at)) for schema in of_record]
                of_model[type(record)] = found
            for schema, group in found:
                items.append(
                    Registration(
                        schema=schema, operation=operation, result=result, record=record, at=at, known_group=group
                    )
                )
        return self._take(runtime, home(how.get("session"), chosen), items, result)

    def _take(
        self, runtime: Runtime, session: Session | None, items: Sequence[Registration], result: SyncResult
    ) -> SyncResult:
        for schema in {item.schema: None for item in items}:
            schema.check()
        if not items or result.mode is Mode.OFF or id(self) in _DISABLED.get():
            result.state = ResultState.OFF
        elif session is None:
            _write_now(runtime, in_all_generations(runtime, items))
        else:
            self._register(runtime, session, in_all_generations(runtime, items))
        return result

    def _register(self, runtime: Runtime, session: Session, items: Sequence[Registration]) -> None:
        phase = phase_of(session)
        of_ended = phase.ended_by_commit and any(item.record is not None for item in items)
        refuse_ended(session, committed=phase.committed, ended_by_commit=of_ended)
        alike = not chooses_by_record(session)
        binds: dict[Schema, Any] = {}
        for item in items:
            if alike and item.schema in binds:
                item.bind = binds[item.schema]
                continue
            item.bind = binds[item.schema] = data_bind(session, item.schema, item.record)
            _admit(runtime, session, item)
        # As adding a record does: what was registered belongs to a transaction, and a rollback takes it back.
        # Private: `begin()` would begin one where the application has switched that off (`autobegin=False`).
        session._autobegin_t()
        pending = phase.pending.setdefault(id(self), PendingWorks(runtime))
        pending.add(session, items, flushing=phase.flushing, committing=phase.committing)

    def _result(self, runtime: Runtime, sync_mode: str | None, count: int) -> SyncResult:
        return SyncResult(mode=self._mode(runtime, sync_mode), document_count=count, ledger=runtime.ledger)

    def _mode(self, runtime: Runtime, sync_mode: str | None) -> Mode:
        try:
            return _MODES[runtime.options.sync_mode if sync_mode is None else sync_mode]
        except (KeyError, TypeError):  # of another type, it may not even be a key
            raise ConfigError(f"sync_mode must be one of {', '.join(Mode)}, not {sync_mode!r}") from None


def _admit(runtime: Runtime, session: Session, item: Registration) -> None:
    """Refuse, at the call, a database that has not the ledger, as far as that can be told without asking it.

    Raises:
        SessionError: it is another database, or is reached by other names. LedgerError: it has no ledger.
    """
    bind = item.bind
    assert bind is not None
    there = connected(session, bind)
    refuse_translation(session, item.schema, there if there is not None else bind)
    if runtime.ledger.is_elsewhere(bind.engine) and not bind.dialect.is_async:
        runtime.ledger.admit(there if there is not None else session.connection(bind_arguments={"bind": bind}))


def _write_now(runtime: Runtime, items: Sequence[Registration]) -> None:
    """Write and hand on works in a transaction of their own."""
    groups: dict[Group, dict[str, None]] = {}
    for item in items:
        if item.means_nothing:
            continue
        if not item.ids or not item.saved:
            name = item.schema.name
            raise SessionError(f"a {name} is in no session and was never saved: add it to a session, or pass session=")
        groups.setdefault(item.group, {}).update(item.ids)
    warn_of_unheld(None, items)
    written = runtime.ledger.run(partial(_write, runtime, groups))
    for item in items:
        item.result.hold(written.get(item.group, ()))
    deliver(runtime, items, {group: Written(works, groups[group]) for group, works in written.items()}, None)


def _write(
    runtime: Runtime, groups: dict[Group, dict[str, None]], connection: Connection
) -> dict[Group, tuple[int, ...]]:
    return {group: write_group(runtime, connection, group, list(ids)) for group, ids in groups.items()}


def later(at: datetime | None) -> float | None:
    """When works are due (seconds since the epoch): `NOW` for a time that is past, None where none is given.

    Raises:
        ConfigError: it is no time, or says not in which time zone.
    """
    if at is None:
        return None
    if not isinstance(at, datetime) or at.utcoffset() is None:
        raise ConfigError("at= takes a datetime with a time zone: datetime(2030, 1, 1, tzinfo=UTC)")
    return at.timestamp() if at > datetime.now(UTC) else NOW
