"""Short transactions of our own on the database that holds the ledger."""

from __future__ import annotations

import os
import secrets
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, Engine, inspect, select
from sqlalchemy.exc import DBAPIError

from ..errors import (
    LedgerConflict,
    LedgerMissing,
    LedgerOutdated,
    LedgerUnavailable,
    WrongDatabase,
)
from ..notices import Tell
from . import noted, sqlite, tables, totals
from .clock import now
from .limits import limited, within
from .refusals import contended, error_of, forbidden, translated

if TYPE_CHECKING:
    from .triggers.declarations import Declarations
    from .triggers.triggers import Triggers

T = TypeVar("T")

TRIES = 5
"""How often a transaction that lost a deadlock or a lock wait is run before it is given up."""
TRY_SECONDS = 10.0
"""No more tries after this long: who waited for a lock in vain has waited already."""


class Ledger:
    """The ledger of one database.

    `database` gives the Engine that records and ledger share (called in the process that uses it, so that no
    connection crosses a fork); `connection` binds the ledger to one open connection instead, whose transaction is
    the caller's: ours become savepoints in it (tests that never commit). `declarations` are what triggers are made
    from. `tell` is told what happened in a transaction of ours, once that is committed.
    """

    def __init__(
        self,
        database: Callable[[], Engine],
        *,
        connection: Connection | None = None,
        limit: float | None = None,
        declarations: Declarations | None = None,
        tell: Tell | None = None,
    ) -> None:
        self._database = database
        self._declarations = declarations
        self._connection = connection
        self._limit = limit
        self._tell = tell
        self._checked_in: int | None = None
        self._id: str | None = None
        self._admitted: weakref.WeakSet[Engine] = weakref.WeakSet()

    def on(self, connection: Connection) -> Ledger:
        """The same ledger, inside the transaction of `connection`."""
        return Ledger(self._database, connection=connection, declarations=self._declarations)

    def within(self, seconds: float) -> Ledger:
        """The same ledger for somebody who only looks: no answer of it takes much longer than `seconds`."""
        return Ledger(
            self._database,
            connection=self._connection,
            limit=seconds,
            declarations=self._declarations,
            tell=self._tell,
        )

    def create_all(self, bind: Engine | Connection | None = None) -> None:
        """Make the ledger's tables where they are missing (tests, embedded use); production runs `ledger upgrade`."""
        bind = bind if bind is not None else self._connection or self._database()
        if bind.dialect.name == "sqlite":
            sqlite.watch(bind.engine)
        tables.metadata.create_all(bind)
        if isinstance(bind, Connection):
            identify(bind)
        else:
            with bind.begin() as connection:
                identify(connection)

    @contextmanager
    def begin(self, *, checked: bool = True) -> Iterator[Connection]:
        """A short transaction: READ COMMITTED whatever the application's level, BEGIN IMMEDIATE on SQLite.

        With `checked` the tables have to be those of this code.

        Raises:
            LedgerMissing, LedgerOutdated: the tables are not those of this code.
            LedgerUnavailable: the database did not answer, or gave this transaction up.
        """
        with translated():
            if self._connection is not None:
                with self._connection.begin_nested():
                    if checked:
                        self._check(self._connection)
                    yield self._connection
                return
            with self._connect() as connection:
                if checked:
                    self._check(connection)
                yield connection

    def run(self, function: Callable[[Connection], T], *, checked: bool = True) -> T:
        """Run `function` in a transaction of its own; again where it lost a deadlock or a lock wait.

        `function` must do nothing but SQL. Raises as `begin` does.
        """
        started = time.monotonic()
        patience = TRY_SECONDS if self._limit is None else min(TRY_SECONDS, 0.9 * self._limit)
        for attempt in range(TRIES):
            try:
                with self.begin(checked=checked) as connection:
                    notices = noted.note_here(connection) if self._connection is None else []
                    counted = totals.begin(connection)
                    result = function(connection)
                    totals.write(connection, counted)
            except (LedgerUnavailable, LedgerConflict) as exc:
                over = attempt == TRIES - 1 or time.monotonic() - started > patience
                if over or not contended(exc.__cause__):
                    raise
                continue
            if notices and self._tell is not None:
                self._tell(notices)
            return result
        raise LedgerUnavailable("the ledger's database gave up a transaction again and again")

    def read(self, function: Callable[[Connection], T]) -> T:
        """Run a function that only reads; on SQLite it takes no write lock, so that it waits for nobody.

        Raises as `begin` does.
        """
        if self._connection is not None:
            return self.run(function)

        def look() -> T:
            with translated(), self._connect(write=False) as connection:
                self._check(connection)
                return function(connection)

        return look() if self._limit is None else within(self._limit, look)

    def triggers(self, schema: Any) -> Triggers:
        """The triggers of all schemas of a declared class, or of one (its name, or the Schema itself).

        Raises:
            SchemaError: it is not declared.
        """
        from .triggers.triggers import Triggers

        known = self._declarations
        if known is None:
            return Triggers(self, (schema,))
        return Triggers(self, known.schemas_of(schema), routes=known.routes, notify=known.notify)

    @property
    def is_bound(self) -> bool:
        """Whether it works inside the transaction of one open connection, which belongs to one thread."""
        return self._connection is not None

    @property
    def database(self) -> Engine:
        """SQLAlchemy's Engine of the database that holds the ledger, in this process."""
        return self._database()

    def is_elsewhere(self, engine: Engine) -> bool:
        """Whether an Engine seems to lead to another database than the ledger's, by its address; asks nobody."""
        ours = self._database()
        if engine is ours or engine in self._admitted:
            return False
        return _address(engine) != _address(ours) or _address(ours)[-1] in (None, "", ":memory:")

    def admit(self, connection: Connection) -> None:
        """Refuse a connection to another database than the ledger's; sameness is an id stored in the ledger.

        Raises:
            WrongDatabase: it is another database. LedgerError: it has no ledger, or an older one.
        """
        if connection.engine in self._admitted:
            return
        try:
            self._admit(connection)
        except DBAPIError as exc:
            if forbidden(exc):
                raise error_of(exc) from exc
            raise  # on the application's own connection, whose errors it knows
        self._admitted.add(connection.engine)

    def _admit(self, connection: Connection) -> None:
        if connection.engine is self._database():
            self._check(connection)
        elif not self._is_in(connection):
            raise WrongDatabase(
                f"the session writes to {_shown(connection.engine)!r}, the ledger is in {_shown(self._database())!r}:"
                " both must be one database"
            )

    def _is_in(self, connection: Connection) -> bool:
        try:
            return (_identity(connection) or self.identity()) == self.identity()
        except LedgerMissing:
            return False

    def identity(self) -> str:
        """The id of this ledger, given to it at its first use."""
        if self._id is None:
            # Looked up first: where the caller holds SQLite's write lock, ours would wait for it in vain.
            self._id = self.read(_identity) or self.run(identify)
        return self._id

    @contextmanager
    def _connect(self, *, write: bool = True) -> Iterator[Connection]:
        engine = self._database()
        if engine.dialect.name == "sqlite":
            sqlite.watch(engine)
            sqlite.refuse_shared(engine)
            # An engine that `sqlite.configure` made begin IMMEDIATE leaves that out where nothing is written.
            options = {} if write else {"sqlite_begin": "DEFERRED"}
            connecting = engine.connect().execution_options(**options)
            with connecting as connection:
                transaction = sqlite.begin_writing(connection, self._limit) if write else connection.begin()
                with transaction, limited(connection, self._limit):
                    yield connection
        else:
            with engine.connect() as connection:
                connection = connection.execution_options(isolation_level="READ COMMITTED")
                with connection.begin(), limited(connection, self._limit):
                    yield connection

    def _check(self, connection: Connection) -> None:
        if self._checked_in != os.getpid():
            check_tables(connection)
            self._checked_in = os.getpid()


def _address(engine: Engine) -> tuple[object, ...]:
    url = engine.url
    return url.get_backend_name(), url.host, url.port, url.database


def _shown(engine: Engine) -> str:
    """Where a database is, without a password or options, which may hold one too."""
    return engine.url.set(query={}).render_as_string()


def check_tables(connection: Connection, *, remedy: str = "run `scrypath-celery ledger upgrade`") -> None:
    """Compare the ledger's tables with what this code needs; `remedy` is what to do where one is older.

    Raises:
        LedgerMissing: none is there. LedgerOutdated: a table or column is missing.

    A column that this code does not know is a newer release's: those can be left out by who does not know them, so that
    old and new processes run side by side.
    """
    there = inspect(connection).get_multi_columns(filter_names=[table.name for table in tables.TABLES])
    if not there:
        raise LedgerMissing("the database has no ledger yet: run `scrypath-celery ledger upgrade`")
    for table in tables.TABLES:
        found = {column["name"] for column in there.get((None, table.name), ())}
        expected = {column.name for column in table.columns}
        if expected - found:
            raise LedgerOutdated(f"the ledger's table {table.name} is older than this code: {remedy}")


def _identity(connection: Connection) -> str | None:
    # Looked up, never asked for in vain: a failing statement would spoil the caller's transaction on PostgreSQL.
    if not inspect(connection).has_table(tables.ledger.name):
        raise LedgerMissing("the session's database has no ledger: run `scrypath-celery ledger upgrade`")
    return connection.execute(select(tables.ledger.c.id).order_by(tables.ledger.c.created_at).limit(1)).scalar()


def identify(connection: Connection) -> str:
    """Give the ledger its id where it has none yet; the id."""
    query = select(tables.ledger.c.id).order_by(tables.ledger.c.created_at).limit(1)
    found = connection.execute(query).scalar()
    if found is None:
        connection.execute(tables.ledger.insert().values(id=secrets.token_hex(16), created_at=now(), relayed_at=0.0))
        found = connection.execute(query).scalar_one()
    return str(found)
