"""A library on a database of each kind, with its triggers installed."""

from __future__ import annotations

from collections.abc import Iterator

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
def connection(library: Scrypath, engine: Engine) -> Iterator[Connection]:
    """A transaction that is rolled back at the end."""
    with engine.connect() as connection:
        yield connection
        connection.rollback()
