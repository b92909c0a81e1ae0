"""The application's records: read, projected and encoded in short transactions of their own.

All reads go through the application's own sessionmaker, so that its session class, criteria and options hold. What
is read is `schema.select()`, or all records of the class: convergence, backfill and counts mean the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    select,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.orm.interfaces import ORMOption

from ..declaration.document_ids import respelt
from ..declaration.schema import Schema
from ..errors import ScrypathError, SourceError
from ..work import MAX_IDS
from .columns import by_columns, encoder, expressions, together
from .failures import crash, is_interruption
from .isolation import concerns_the_database, concerns_the_value, isolate
from .lazy_loads import LazyLoads
from .reading import Part, Reading, encoded_record
from .statements import (
    among,
    at_places,
    chunks,
    count_of,
    criteria,
    id_expression,
    ids_of,
    records_of,
    rows_of,
    value_of,
    values_of,
)


class Source:
    """Reads records through the sessionmaker that `database` gives, called in the process that uses it.

    `exception_text` says that failures repeat what an exception of the application says.
    """

    def __init__(self, database: Callable[[], Callable[..., Session]], *, exception_text: bool = False) -> None:
        self._database = database
        self._crash = partial(crash, text=exception_text)
        self._lazy_loads = LazyLoads()

    def on(self, connection: Connection) -> Source:
        """The same source inside the transaction of `connection`, whose end is the caller's."""
        mode = "create_savepoint"
        bound = Source(lambda: partial(self._database(), bind=connection, binds={}, join_transaction_mode=mode))
        bound._crash = self._crash
        return bound

    def read(self, schema: Schema, ids: Sequence[str], note: Callable[[str], None] = lambda id: None) -> Reading:
        """The documents of these ids as the database has them now, in a transaction begun now.

        Ids for which the database refuses the query are read apart, in transactions of their own: only they fail.
        `note` is called with each id before its record is projected.

        Raises:
            SourceError: the database did not answer, or refuses the query whatever the ids.
        """
        try:
            isolated = isolate(partial(self._read, schema, note=note), list(dict.fromkeys(ids)))
        except Exception as exc:
            if isinstance(exc, ScrypathError) or is_interruption(exc):
                raise
            raise SourceError(f"the records of {schema.name} could not be read ({type(exc).__name__})") from exc
        if len(isolated.found) == 1 and not isolated.refused:
            return isolated.found[0]
        refused = {id: self._crash(exc) for id, exc in isolated.refused.items() if self._may_exist(schema, id)}
        return Reading(
            documents={id: document for part in isolated.found for id, document in part.documents.items()},
            gone=(*(id for part in isolated.found for id in part.gone), *(isolated.refused.keys() - refused.keys())),
            failures={id: failure for part in isolated.found for id, failure in part.failures.items()} | refused,
            respelt=frozenset(id for part in isolated.found for id in part.respelt),
        )

    def _may_exist(self, schema: Schema, id: str) -> bool:
        """Whether the database can compare this id at all; where it cannot, no record has it."""
        try:
            self._present(schema, [id])
        except Exception as exc:
            if concerns_the_database(exc):
                raise
            return not concerns_the_value(exc)
        return True

    def _read(self, schema: Schema, ids: Sequence[str], *, note: Callable[[str], None]) -> Reading:
        again = respelt(id_expression(schema).type, ids)
        part = Part(schema=schema, wanted=dict.fromkeys(ids), respelt=again, crash=self._crash)
        with self._session(schema) as session:
            statement = records_of(schema)
            if by_columns(schema, statement):
                self._read_columns(session, statement, part)
            else:
                with self._lazy_loads.watched(session, schema):
                    for id, record in self._found(session, schema, statement, list(part.wanted), part.respelt):
                        note(id)
                        part.take(id, record, partial(encoded_record, schema))
        return part.reading()

    def _read_columns(self, session: Session, statement: Select[Any], part: Part) -> None:
        """Read rows and make their documents together; each apart where that is refused, to tell which one it is."""
        schema = part.schema
        statement = statement.with_only_columns(*expressions(schema), maintain_column_froms=True)
        for values in chunks(values_of(session, schema, list(part.wanted))):
            rows = rows_of(session, schema, statement.where(among(session, schema, values)))
            documents = together(schema, rows)
            if documents is not None and documents.keys() <= part.wanted.keys():
                part.documents.update(documents)
                continue
            for row in rows:
                id = schema.id_of(row[0])
                if id in part.wanted:
                    part.take(id, row, encoder(schema))
                else:
                    part.respelt.add(id)

    def boundaries(self, schema: Schema, parts: int) -> list[str]:
        """Ids that part the records into at most `parts` ranges of equal size, in the order that the database gives.

        Found by their number in that order, so that any key that the database can order will do.

        Raises:
            SourceError: the database did not answer.
        """
        with self._session(schema) as session:
            total = session.scalar(count_of(schema)) or 0
            parts = min(parts, total // MAX_IDS + 1)
            places = [total * part // parts for part in range(1, parts)]
            if not places:
                return []
            return list(dict.fromkeys(schema.ids_of(session.scalars(at_places(schema, places)).all())))

    def page(
        self,
        schema: Schema,
        size: int,
        *,
        after: str | None = None,
        until: str | None = None,
        where: Mapping[str, str] | None = None,
        since: Mapping[str, str] | None = None,
    ) -> tuple[str, ...]:
        """The first `size` ids after `after` and up to `until`, of records whose fields have the values of `where`
        and at least those of `since`, both given as text.

        Raises:
            SourceError: the database did not answer, or a value is none of its column.
        """
        chosen = [*criteria(schema, where or {}, least=False), *criteria(schema, since or {}, least=True)]
        return self._page(schema, size, after, until, chosen)

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
            SourceError: the database did not answer, or refuses the query whatever the ids.
        """
        return set().union(*isolate(partial(self._present, schema), list(ids)).found)

    def _present(self, schema: Schema, ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        with self._session(schema) as session:
            for values in chunks(values_of(session, schema, ids)):
                rows = rows_of(session, schema, ids_of(schema).where(among(session, schema, values)))
                found.update(schema.ids_of([row[0] for row in rows]))
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
            for values in chunks(values_of(session, schema, ids)):
                statement = select(schema.model) if schema.select is None else schema.select()
                query = statement.with_only_columns(id_expression(schema), maintain_column_froms=True).order_by(None)
                rows = session.scalars(query.where(among(session, schema, values)))
                found.update(schema.ids_of(rows.all()))
        return found

    def count(self, schema: Schema) -> int | None:
        """How many records are to be in the index, or None where Python alone can tell (`index_if`).

        Raises:
            SourceError: the database did not answer.
        """
        if not schema.counted_by_database:
            return None
        with self._session(schema) as session:
            return session.scalar(count_of(schema)) or 0

    def records(
        self, schema: Schema, ids: Sequence[str], session: Session, options: Sequence[ORMOption] = ()
    ) -> dict[str, Any]:
        """The records of these ids in a session of the caller's, by id; `options` are loader options.

        Raises nothing of its own: errors of the session are the caller's.
        """
        found: dict[str, Any] = {}
        if not ids:
            return found
        for values in chunks(values_of(session, schema, ids)):
            query = select(schema.model).options(*options).where(among(session, schema, values))
            for record in session.scalars(query).unique():
                found[schema.id_of(getattr(record, schema.key))] = record
        return {id: found[id] for id in ids if id in found}

    def by_columns(self, schema: Schema) -> bool:
        """Whether documents are read as columns; otherwise as records, through the application's classes.

        Raises:
            SourceError: the mappers of its classes cannot be configured.
        """
        with self._session(schema):
            return by_columns(schema, records_of(schema))

    def _found(
        self, session: Session, schema: Schema, statement: Select[Any], ids: Sequence[str], respelt: set[str]
    ) -> Iterator[tuple[str, Any]]:
        wanted = set(ids)
        for values in chunks(values_of(session, schema, ids)):
            for record in session.scalars(statement.where(among(session, schema, values))).unique():
                id = schema.id_of(getattr(record, schema.key))
                # A collation may find "Post-1" for "post-1": that is another document.
                if id in wanted:
                    yield id, record
                else:
                    respelt.add(id)

    def _page(
        self,
        schema: Schema,
        size: int,
        after: str | None,
        until: str | None = None,
        chosen: Sequence[ColumnElement[bool]] = (),
    ) -> tuple[str, ...]:
        with self._session(schema) as session:
            expression = id_expression(schema)
            query = ids_of(schema).order_by(expression).limit(size)
            if schema.select is not None:
                query = query.distinct()
            if after is not None:
                query = query.where(expression > value_of(schema, after))
            if until is not None:
                query = query.where(expression <= value_of(schema, until))
            query = query.where(*chosen)
            return schema.ids_of([row[0] for row in rows_of(session, schema, query)])

    def opened(self, schema: Schema) -> AbstractContextManager[Session]:
        """A session to read with; errors of the database within it become SourceError."""
        return self._session(schema)

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
