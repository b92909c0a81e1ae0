"""A database server on which each test makes databases of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError


@dataclass(frozen=True, kw_only=True)
class DatabaseServer:
    """A server that is up, by the URL of an account that may create and drop databases.

    A first statement of `drop` may answer with statements of its own, which end connections. `empty` gives the
    statements that delete all rows of some tables.
    """

    admin: URL
    create: str
    drop: Sequence[str]
    empty: Callable[[Sequence[str]], Sequence[str]]

    @contextmanager
    def database(self) -> Iterator[str]:
        """A fresh, empty database; yields its SQLAlchemy URL and drops it at the end, whoever is still connected."""
        name = f"scrypath_test_{secrets.token_hex(6)}"
        self._run([self.create], name)
        try:
            yield self.admin.set(database=name).render_as_string(hide_password=False)
        finally:
            self._run(self.drop, name)

    def clear(self, url: str) -> None:
        """Delete all rows of a database, whoever is still connected; its tables stay."""
        self._run(self.drop[:-1], make_url(url).database)
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for statement in self.empty(inspect(connection).get_table_names()):
                    connection.execute(text(statement))
        finally:
            engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        # It knows the server after its first connection, and keeps none: there is nothing to dispose of.
        return create_engine(self.admin, poolclass=NullPool, isolation_level="AUTOCOMMIT")

    def _run(self, statements: Sequence[str], name: str | None) -> None:
        with self._engine.connect() as connection:
            for statement in statements:
                result = connection.execute(text(statement.format(name=name)))
                for row in result.all() if result.returns_rows else []:
                    _end(connection, row[0])


def _end(connection: Connection, statement: str) -> None:
    with suppress(OperationalError):  # it is gone
        connection.execute(text(statement))


def reachable(url: URL) -> str | None:
    """None where a connection to `url` can be made, else the driver's first line on why not."""
    engine = create_engine(url, poolclass=NullPool, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            return None
    except OperationalError as error:
        return str(error.orig).splitlines()[0]
    finally:
        engine.dispose()
