"""The application's records: read, projected and encoded in short transactions of their own.

All reads go through the application's own sessionmaker, so that its session class, criteria and options hold. What
is read is `schema.select()`, or all records of the class: convergence, backfill and counts mean the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, Engine, Select, any_, bindparam, func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from ..declaration.document import encode, project
from ..declaration.document_ids import id_text, id_value
from ..declaration.schema import Schema
from ..errors import ProjectionError, SourceError
from ..work import MAX_IDS, Failure, ReasonClass


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What some ids are now: encoded documents, ids without a record to index, and records that cannot be projected."""

    documents: Mapping[str, bytes]
    gone: tuple[str, ...]
    failures: Mapping[str, Failure]


class Source:
    """Reads records through the sessionmaker that `database` gives, called in the process that uses it."""

    def __init__(self, database: Callable[[], Callable[..., Session]]) -> None:
        self._database = database

    def on(self, connection: Connection) -> Source:
        """The same source inside the transaction of `connection`, whose end is the caller's."""
        mode = "create_savepoint"
        return Source(lambda: partial(self._database(), bind=connection, binds={}, join_transaction_mode=mode))

    def read(self, schema: Schema, ids: Sequence[str]) -> Reading:
        """The documents of these ids as the database has them now, in a transaction begun now.

        Raises:
            SourceError: the database did not answer, or refused the query.
        """
        documents: dict[str, bytes] = {}
        failures: dict[str, Failure] = {}
        wanted = dict.fromkeys(ids)
        with self._session(schema) as session:
            for id, record in self._found(session, schema, list(wanted)):
                try:
                    if schema.indexable(record):
                        documents[id] = encode(project(schema, record), shown=f"{schema.name} {id}")
                except ProjectionError as exc:
                    failures[id] = _failure(exc)
                except (DBAPIError, PoolTimeout):
                    raise
                except Exception as exc:  # noqa: BLE001 - the application's own code may raise anything
                    failures[id] = _crash(schema, id, exc)
        gone = tuple(id for id in wanted if id not in documents and id not in failures)
        return Reading(documents=documents, gone=gone, failures=failures)

    def pages(self, schema: Schema, size: int, after: str | None = None) -> Iterator[tuple[str, ...]]:
        """The ids of all records, in the order that the database gives their id, `size` at a time.

        Each page is a short transaction of its own that goes on after the last id of the one before (`after` at
        first), so memory and locks stay small. Records that only Python can tell from indexable ones are among them.

        Raises:
            SourceError: the database did not answer, or `after` is no id of this schema.
        """
        while True:
            page = self._page(schema, size, after)
            if page:
                yield page
            if len(page) < size:
                return
            after = page[-1]

    def present(self, schema: Schema, ids: Sequence[str]) -> set[str]:
        """Those of these ids that a record to be indexed has, as far as SQL can tell.

        Raises:
            SourceError: the database did not answer.
        """
        found: set[str] = set()
        with self._session(schema) as session:
            for values in _chunks(_values(schema, ids)):
                rows = session.scalars(_ids(schema).where(_among(session, schema, values)))
                found.update(id_text(value) for value in rows)
        return found

    def kept_out(self, schema: Schema, ids: Sequence[str]) -> set[str]:
        """Those of these ids that a record has which `index_if` keeps out of the index.

        Raises:
            SourceError: the database did not answer.
        """
        if schema.index_if is None:
            return set()
        found: set[str] = set()
        with self._session(schema) as session:
            for values in _chunks(_values(schema, ids)):
                statement = select(schema.model) if schema.select is None else schema.select()
                query = statement.with_only_columns(_expression(schema), maintain_column_froms=True).order_by(None)
                found.update(id_text(value) for value in session.scalars(query.where(_among(session, schema, values))))
        return found

    def count(self, schema: Schema) -> int | None:
        """How many records are to be in the index, or None where Python alone can tell (`index_if`).

        Raises:
            SourceError: the database did not answer.
        """
        if not schema.counted_by_database:
            return None
        with self._session(schema) as session:
            ids = _ids(schema).distinct().subquery()
            return session.scalar(select(func.count()).select_from(ids)) or 0

    def records(
        self, schema: Schema, ids: Sequence[str], session: Session, options: Sequence[ORMOption] = ()
    ) -> dict[str, Any]:
        """The records of these ids in a session of the caller's, by id; `options` are loader options.

        Raises nothing of its own: errors of the session are the caller's.
        """
        found: dict[str, Any] = {}
        for values in _chunks(_values(schema, ids)):
            query = select(schema.model).options(*options).where(_among(session, schema, values))
            for record in session.scalars(query).unique():
                found[id_text(getattr(record, schema.key))] = record
        return {id: found[id] for id in ids if id in found}

    def _found(self, session: Session, schema: Schema, ids: Sequence[str]) -> Iterator[tuple[str, Any]]:
        wanted = set(ids)
        for values in _chunks(_values(schema, ids)):
            for record in session.scalars(_records(schema).where(_among(session, schema, values))).unique():
                id = id_text(getattr(record, schema.key))
                # A collation may find "Post-1" for "post-1": that is another document.
                if id in wanted:
                    yield id, record

    def _page(self, schema: Schema, size: int, after: str | None) -> tuple[str, ...]:
        with self._session(schema) as session:
            expression = _expression(schema)
            query = _ids(schema).order_by(expression).limit(size)
            if schema.select is not None:
                query = query.distinct()
            if after is not None:
                query = query.where(expression > _value(schema, after))
            return tuple(id_text(value) for value in session.scalars(query))

    @contextmanager
    def _session(self, schema: Schema) -> Iterator[Session]:
        try:
            # Nothing is ever written here: a projection that changes a record must not flush it.
            with self._database()(autoflush=False) as session:
                schema.mapper.registry.configure(cascade=True)
                schema.check()
                _begin(session, schema)
                yield session
        except SQLAlchemyError as exc:
            kind = type(exc.orig if isinstance(exc, DBAPIError) else exc).__name__
            raise SourceError(f"the records of {schema.name} could not be read ({kind})") from exc


def _begin(session: Session, schema: Schema) -> None:
    bind = session.get_bind(schema.mapper)
    if isinstance(bind, Engine) and bind.dialect.name == "sqlite":
        # Engines that begin IMMEDIATE leave that out where nothing is written.
        session.connection({"mapper": schema.mapper}, execution_options={"sqlite_begin": "DEFERRED"})


def _records(schema: Schema) -> Select[Any]:
    """The statement that reads the schema's records; those that SQL knows as not indexable are left out."""
    statement = select(schema.model) if schema.select is None else schema.select()
    if isinstance(schema.index_if, str) and schema.counted_by_database:
        statement = statement.where(getattr(schema.model, schema.index_if))
    return statement


def _ids(schema: Schema) -> Select[Any]:
    expression = _expression(schema)
    statement = _records(schema).with_only_columns(expression, maintain_column_froms=True).order_by(None)
    return statement.where(expression.is_not(None))


def _expression(schema: Schema) -> ColumnElement[Any]:
    expression: ColumnElement[Any] = getattr(schema.model, schema.key)
    return expression


def _among(session: Session, schema: Schema, values: Sequence[Any]) -> ColumnElement[bool]:
    """The criterion that the id is one of these values."""
    expression = _expression(schema)
    if session.get_bind(schema.mapper).dialect.name != "postgresql":
        return expression.in_(values)
    # One parameter instead of a thousand, which driver and database would parse one by one: half the time of a read.
    return expression == any_(bindparam(None, list(values), type_=ARRAY(expression.type)))


def _value(schema: Schema, id: str) -> Any:
    try:
        return id_value(_expression(schema).type, id)
    except LookupError as exc:
        raise SourceError(f"{schema.name} has no id {id!r}") from exc


def _values(schema: Schema, ids: Sequence[str]) -> list[Any]:
    """The ids as values of the column's type; those that no value has stand for no record."""
    kind = _expression(schema).type
    values = []
    for id in ids:
        try:
            values.append(id_value(kind, id))
        except LookupError:
            continue
    return values


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), MAX_IDS):
        yield values[start : start + MAX_IDS]


def _failure(exc: ProjectionError) -> Failure:
    reason_class = ReasonClass.VALIDATION if exc.permanent else ReasonClass.SOURCE
    return Failure(reason_class=reason_class, reason=str(exc), code=exc.error_code, permanent=exc.permanent)


def _crash(schema: Schema, id: str, exc: Exception) -> Failure:
    # The class of the exception alone: its text may carry what the record holds.
    reason = f"{schema.name} {id}: its projection raised {type(exc).__name__}"
    return Failure(reason_class=ReasonClass.SOURCE, reason=reason, code="projection_raised")
