"""A database server on which each test makes databases of its own."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import URL, NullPool, create_engine, inspect, make_url, text
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
        self._execute(self.create.format(name=name))
        try:
            yield self.admin.set(database=name).render_as_string(hide_password=False)
        finally:
            self._drop(name)

    def clear(self, url: str) -> None:
        """Delete all rows of a database, whoever is still connected; its tables stay."""
        for ends in self.drop[:-1]:
            self._end(ends.format(name=make_url(url).database))
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                for statement in self.empty(inspect(connection).get_table_names()):
                    connection.execute(text(statement))
        finally:
            engine.dispose()

    def _drop(self, name: str) -> None:
        for statement in self.drop:
            self._end(statement.format(name=name))

    def _end(self, statement: str) -> None:
        for row in self._execute(statement):
            self._execute(str(row[0]), gone=True)

    def _execute(self, statement: str, *, gone: bool = False) -> list[Sequence[object]]:
        engine = create_engine(self.admin, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                result = connection.execute(text(statement))
                return [tuple(row) for row in result] if result.returns_rows else []
        except OperationalError:
            if gone:
                return []
            raise
        finally:
            engine.dispose()


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
