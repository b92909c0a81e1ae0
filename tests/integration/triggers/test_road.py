"""From a plain statement to the index: what the triggers write is run like any other work."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scrypath_celery import Scrypath
from scrypath_celery.testing.engine import EngineUnderTest
from tests.integration.triggers.library import Book, open_library, works


@pytest.fixture
def search(engine: Engine, scrypath_engine: EngineUnderTest) -> Iterator[Scrypath]:
    """The library with an engine."""
    search = open_library(engine, **scrypath_engine.options)
    yield search
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM book")
        connection.exec_driver_sql("DELETE FROM scrypath_work")
        connection.exec_driver_sql("DELETE FROM scrypath_claim")
        connection.exec_driver_sql("DELETE FROM scrypath_index")
    search.ledger.triggers(Book).remove()


def titles(search: Scrypath) -> dict[int, str]:
    engine = search.runtime.engine
    uid = search.runtime.uid_of(search.schemas.of(Book))
    return {one["id"]: one["title"] for one in engine.documents(uid, limit=100)} if engine.index(uid) else {}


WRITES = (
    "INSERT INTO book (id, title) VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    "UPDATE book SET title = 'zwei' WHERE id = 2",
    "UPDATE book SET id = 9 WHERE id = 3",
    "DELETE FROM book WHERE id = 1",
)


def write(engine: Engine, search: Scrypath) -> None:
    for statement in WRITES:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
        search.drain()


def test_what_a_plain_client_writes_reaches_the_index(search: Scrypath, engine: Engine) -> None:
    search.ledger.triggers(Book).install()
    write(engine, search)
    assert titles(search) == {2: "zwei", 9: "three"}


def test_without_triggers_nobody_hears_of_it(search: Scrypath, engine: Engine) -> None:
    write(engine, search)
    assert titles(search) == {}


def test_a_call_and_a_trigger_for_one_change_send_it_once(search: Scrypath, engine: Engine) -> None:
    search.ledger.triggers(Book).install()
    with Session(engine) as session:
        book = Book(id=5, title="five")
        session.add(book)
        search.sync_record(book, sync_mode="celery")
        session.commit()
    with engine.connect() as connection:
        assert works(connection, "book") == [("upsert", ["5"])] * 2
    done = search.drain()
    assert (done.claims, done.documents, len(done.succeeded)) == (1, 1, 2)
    assert titles(search) == {5: "five"}
