"""Triggers pass through the databases' own programs: a script for a review, a dump and its restore."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from scrypath_celery.ledger.triggers.trigger import TriggerState
from tests.integration.triggers import clients
from tests.integration.triggers.library import Book, open_library, works


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two empty databases of a kind."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path / 'one.db'}", f"sqlite:///{tmp_path / 'two.db'}"
        else:
            server = request.getfixturevalue(request.param)
            yield stack.enter_context(server.database()), stack.enter_context(server.database())


def states(url: str, *, install: bool = False) -> set[TriggerState]:
    """How the triggers of books stand; with `install` in a library that is made, with all triggers."""
    engine = create_engine(url)
    search = open_library(engine)
    try:
        if install:
            for schema in search.schemas:
                search.ledger.triggers(schema).install()
        return {one.state for one in search.ledger.triggers(Book).status()}
    finally:
        engine.dispose()


def test_a_restored_dump_has_the_triggers_that_were_dumped(urls: tuple[str, str]) -> None:
    here, there = urls
    assert states(here, install=True) == {TriggerState.INSTALLED}
    clients.run(here, "INSERT INTO book (id, title) VALUES (1, 'a');")
    clients.run(there, clients.dump(here))
    assert states(there) == {TriggerState.INSTALLED}
    clients.run(there, "INSERT INTO book (id, title) VALUES (2, 'b');")
    engine = create_engine(there)
    with engine.connect() as connection:
        assert {id for _, ids in works(connection, "book") for id in ids} == {"1", "2"}
    engine.dispose()


def test_the_databases_own_client_takes_the_script(urls: tuple[str, str]) -> None:
    url, _ = urls
    assert states(url) == {TriggerState.MISSING}
    engine = create_engine(url)
    search = open_library(engine)
    for schema in search.schemas:
        clients.run(url, search.ledger.triggers(schema).script())
    assert {one.state for one in search.ledger.triggers(Book).status()} == {TriggerState.INSTALLED}
    engine.dispose()


def test_a_script_that_ends_halfway_leaves_no_table_without_its_trigger(urls: tuple[str, str]) -> None:
    url, _ = urls
    states(url, install=True)
    engine = create_engine(url)
    search = open_library(engine)
    script = search.ledger.triggers(Book).script()
    assert engine.dialect.name == "mysql" or script.count("DROP TRIGGER") >= 3
    ended = script.replace(";\nCREATE TRIGGER", ";\nSELECT * FROM nowhere;\nCREATE TRIGGER", 1)
    if ended != script:
        with pytest.raises((AssertionError, sqlite3.OperationalError), match="nowhere"):
            clients.run(url, ended)
    assert {one.state for one in search.ledger.triggers(Book).status()} == {TriggerState.INSTALLED}
    engine.dispose()
