"""The session that a call belongs to, and the database that the session writes its records to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Transaction
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.attributes import instance_state

from ..declaration.schema import Schema
from ..errors import SessionError

_TRANSLATED = "schema_translate_map"

AFTER_THE_COMMIT = (
    "the session's transaction is committed: call this before the commit, in the transaction that writes the record"
    " (before_commit or after_flush in events), or begin another transaction first"
)


def home(session: Any, records: Sequence[Any]) -> Session | None:
    """The session of a call: the one given, else that of its records; None where all records are detached.

    Raises:
        SessionError: `session` is none, or the records belong to another one or to several.
    """
    of_each = {instance_state(record).session_id: record for record in records}
    given = None if session is None else sync_session(session)
    if given is not None and of_each.keys() == {given.hash_key}:  # nearly always
        return given
    owners = {id(owner): owner for owner in map(object_session, of_each.values()) if owner is not None}
    if given is not None:
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


def refuse_ended(session: Session, *, committed: bool, ended_by_commit: bool) -> None:
    """Refuse a call for which the session's transaction is over.

    Raises:
        SessionError: it is committed, or broken; or it was committed before, and nothing new has begun.
    """
    transaction = session.get_transaction()
    if committed or (transaction is not None and not transaction.is_active):
        raise SessionError(AFTER_THE_COMMIT)
    if transaction is None and ended_by_commit and not (session.new or session.deleted or session.dirty):
        raise SessionError(AFTER_THE_COMMIT)


def chooses_by_record(session: Session) -> bool:
    """Whether records of one class may be written to several databases."""
    return type(session).get_bind is not Session.get_bind


def data_bind(session: Session, schema: Schema, record: Any = None) -> Engine | Connection:
    """Where a flush of this session would write records of this class: there the ledger's row belongs.

    A session may route what it reads elsewhere, and tells a flush by its own state, as SQLAlchemy's recipe for
    routing has it.

    Raises:
        SessionError: the session does not say.
    """
    mapper = schema.mapper
    try:
        if type(session).get_bind is Session.get_bind:
            return session.get_bind(mapper)
        return _routed(session, mapper, record)
    except (SQLAlchemyError, LookupError, TypeError, AttributeError) as exc:
        raise SessionError(
            f"the session does not say which database it writes a {schema.name} to ({type(exc).__name__}):"
            " pass session= of one that is bound to a single database"
        ) from exc


def _routed(session: Session, mapper: Any, record: Any) -> Engine | Connection:
    arguments: dict[str, Any] = {"mapper": mapper, "clause": mapper.local_table.update()}
    if record is not None and hasattr(session, "connection_callable"):  # sharded: the record chooses
        arguments = {"mapper": mapper, "instance": record}
    # The flag that SQLAlchemy's documented recipe of a routing session asks for, and that a flush alone sets.
    flushing = session._flushing
    session._flushing = True
    try:
        return session.get_bind(**arguments)
    finally:
        session._flushing = flushing


def connected(session: Session, bind: Engine | Connection) -> Connection | None:
    """The connection that the session's transaction has to this database already, if any; asks nobody."""
    if isinstance(bind, Connection):
        return bind
    held = _held(session, bind)
    return held[0] if held is not None else None


def _held(session: Session, bind: Engine | Connection) -> Any:
    return getattr(session.get_transaction(), "_connections", {}).get(bind)


def joined(session: Session, bind: Engine | Connection) -> tuple[Connection, Transaction | None]:
    """The connection on which the session writes to this database, in its savepoint if it is in one, and the
    connection's transaction or savepoint that is the session's own transaction there."""
    held = None if session.in_nested_transaction() else _held(session, bind)
    if held is not None:
        return held[0], held[1]
    # It joins now, or its savepoint may have to be begun there.
    connection = session.connection(bind_arguments={"bind": bind})
    held = _held(session, connection)
    return connection, held[1] if held is not None else None


def connection_of(session: Session, schema: Schema) -> Connection:
    """The connection on which the session's transaction writes records of this class."""
    return session.connection(bind_arguments={"bind": data_bind(session, schema), "mapper": schema.mapper})


def refuse_translation(session: Session, schema: Schema, connected: Engine | Connection) -> None:
    """Refuse a database that is reached under other names of its schemas.

    Raises:
        SessionError: it, or the session, has a `schema_translate_map`.
    """
    of_session = getattr(session, "execution_options", None) or {}
    if connected.get_execution_options().get(_TRANSLATED, of_session.get(_TRANSLATED)):
        raise SessionError(
            f"the session writes {schema.name} under a schema_translate_map: the ledger and its workers would not know"
            " which schema a record is in; give each schema an engine (search_path among its connect arguments), a"
            " ledger and a Scrypath of its own"
        )
