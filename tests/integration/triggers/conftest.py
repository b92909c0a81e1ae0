"""A library on a database of each kind, with its triggers installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine

from scrypath_celery import Scrypath
from tests.integration.triggers.library import open_library


@pytest.fixture(scope="module")
def engine(module_url: str) -> Iterator[Engine]:
    """A database of each kind, for all tests of a module."""
    engine = create_engine(module_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def library(engine: Engine) -> Scrypath:
    """The library, with triggers for every schema."""
    search = open_library(engine)
    for schema in search.schemas:
        search.ledger.triggers(schema).install()
    return search


@pytest.fixture
def lend_library(engine: Engine, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Scrypath, Engine]]:
    """Another library of the same kind, without triggers, for one test alone, and its database."""
    kind = engine.dialect.name.replace("mysql", "mariadb")
    with ExitStack() as stack:
        if kind == "sqlite":
            url = f"sqlite:///{tmp_path / 'own.db'}"
        else:
            url = stack.enter_context(request.getfixturevalue(kind).database())
        own = create_engine(url)
        stack.callback(own.dispose)
        yield open_library(own), own


@pytest.fixture
def connection(library: Scrypath, engine: Engine) -> Iterator[Connection]:
    """A transaction that is rolled back at the end."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()
