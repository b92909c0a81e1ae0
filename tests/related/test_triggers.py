"""Triggers on related tables: what a plain client changes of owners and links reaches the documents that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import pytest
from sqlalchemy import Connection, DateTime, Engine, create_engine, delete, event, select
from sqlalchemy.orm import Mapped, mapped_column

from scrypath_celery import FanOut
from scrypath_celery.errors import SchemaError
from scrypath_celery.ledger import Ledger
from scrypath_celery.ledger.tables import work
from scrypath_celery.ledger.triggers.trigger import TriggerState
from scrypath_celery.ledger.triggers.triggers import Triggers
from scrypath_celery.work import Operation
from tests.related import publishing
from tests.related.library import Library, open_library

Written = tuple[str, str, str | None, tuple[str, ...]]
"""Index, operation, fan-out and sorted ids of a work."""

Works = set[Written]


@pytest.fixture(scope="module")
def library(module_url: str) -> Iterator[Library]:
    """The library, with triggers for its books."""
    opened = open_library(module_url)
    if opened.engine.dialect.name == "sqlite":
        event.listen(opened.engine, "connect", lambda connection, _: connection.execute("PRAGMA foreign_keys = on"))
        opened.engine.dispose()
    opened.fill()
    triggers_of(opened, "book").install()
    yield opened
    opened.engine.dispose()


def triggers_of(library: Library, index: str) -> Triggers:
    schemas = library.runtime.schemas
    return Triggers(library.runtime.ledger, [one for one in schemas if one.index == index], routes=schemas.routes)


def written(connection: Connection) -> Works:
    rows = connection.execute(select(work.c.index_uid, work.c.operation, work.c.fan_out, work.c.ids))
    return {(uid, operation, fan_out, tuple(sorted(ids))) for uid, operation, fan_out, ids in rows}


def run(engine: Engine, *statements: str, rows: Sequence[str] = ()) -> Works:
    """What is written by statements of a transaction that is rolled back, behind `rows`, which fill the tables."""
    with engine.connect() as connection:
        for row in rows:
            connection.exec_driver_sql(row)
        connection.execute(delete(work))
        for statement in statements:
            connection.exec_driver_sql(statement)
        found = written(connection)
        connection.rollback()
    return found


def fan_out(key: str, *ids: str) -> Written:
    return ("book", "fan_out", key, ids)


def upsert(*ids: str) -> Written:
    return ("book", "upsert", None, ids)


CASES: dict[str, tuple[str, Works]] = {
    "an owner": ("UPDATE author SET name = 'x' WHERE id = 1", {fan_out("Author.books", "1")}),
    "a new owner": ("INSERT INTO author (id, name) VALUES (7, 'x')", {fan_out("Author.books", "7")}),
    "an owner with an index": ("UPDATE tag SET name = 'x' WHERE id = 1", {fan_out("Tag.books", "1")}),
    "an owner whose key changes": (
        "UPDATE tag SET id = 9 WHERE id = 2",
        {fan_out("Tag.books", "2", "9")},
    ),
    "an owner that a callable leads from": ("UPDATE shelf SET name = 'x' WHERE id = 1", {fan_out("Shelf.books", "1")}),
    "a reference": ("INSERT INTO copy (id, book_id) VALUES (1, 2)", {upsert("2")}),
    "a reference to nothing": ("INSERT INTO copy (id) VALUES (1)", set()),
    "a reference of a composite key": (
        "INSERT INTO review (book_id, reader, text) VALUES (3, 1, 'good')",
        {upsert("3")},
    ),
    "a link": ("INSERT INTO book_tags (book_id, tag_id) VALUES (2, 2)", {upsert("2")}),
    "a link that is taken away": ("DELETE FROM book_tags WHERE book_id = 3", {upsert("3")}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_plain_statement_on_a_related_table_is_captured(library: Library, name: str) -> None:
    statement, expected = CASES[name]
    assert run(library.engine, statement) == expected


def test_a_reference_that_moves_means_both_records(library: Library) -> None:
    insert, update = "INSERT INTO copy (id, book_id) VALUES (1, 2)", "UPDATE copy SET book_id = 3 WHERE id = 1"
    assert {id for *_, ids in run(library.engine, insert, update) for id in ids} == {"2", "3"}


def test_a_link_that_moves_means_both_records(library: Library) -> None:
    moved = run(library.engine, "UPDATE book_tags SET book_id = 2, tag_id = 2 WHERE book_id = 1")
    assert {id for *_, ids in moved for id in ids} == {"1", "2"}


@pytest.mark.parametrize("table", ["author", "tag"])
def test_what_goes_with_an_owner_is_captured(library: Library, table: str) -> None:
    found = run(library.engine, f"DELETE FROM {table} WHERE id = 1")
    assert {id for _, operation, _, ids in found for id in ids if operation == "upsert"} == {"1", "2", "3"}


def test_many_links_of_one_statement_are_one_work_where_the_database_sees_statements(library: Library) -> None:
    if library.engine.dialect.name == "postgresql":
        assert run(library.engine, "DELETE FROM book_tags") == {upsert("1", "2", "3")}
        assert run(library.engine, "TRUNCATE book_tags") == {upsert("1", "2", "3")}


def test_what_python_alone_knows_is_said_of_the_table(library: Library) -> None:
    told = {one.table: one for one in triggers_of(library, "book").status()}
    assert {one.state for one in told.values()} == {TriggerState.INSTALLED}
    assert {"book", "author", "tag", "shelf", "review", "copy", "book_tags"} == told.keys()
    assert told["shelf"].misses == "deletions: Python alone knows what Shelf.books leads to"
    assert [name for name, one in told.items() if one.misses] == ["shelf"]


PLAIN = (
    "UPDATE author SET name = 'Bea' WHERE id = 1",
    "UPDATE tag SET name = 'green' WHERE id = 1",
    "INSERT INTO book_tags (book_id, tag_id) VALUES (1, 2), (2, 2)",
    "UPDATE book_tags SET book_id = 3 WHERE book_id = 1 AND tag_id = 2",
    "INSERT INTO review (book_id, reader, text) VALUES (1, 1, 'good'), (2, 1, 'bad')",
    "UPDATE review SET book_id = 3 WHERE book_id = 1",
    "DELETE FROM review WHERE book_id = 2",
    "DELETE FROM tag WHERE id = 1",
    "DELETE FROM author WHERE id = 1",
)


def test_a_plain_clients_changes_of_related_rows_reach_the_index(library: Library) -> None:
    for statement in PLAIN:
        with library.engine.begin() as connection:
            connection.exec_driver_sql(statement)
        changed = library.differing()
        assert changed, f"{statement} changes no document"
        assert library.drained().differing() == [], statement


# relations without foreign keys, chains, and what a fan-out depends on


@dataclass
class Publishing:
    """A database of publishers, empty but within `run`."""

    engine: Engine
    triggers: Triggers

    def run(self, statement: str) -> Works:
        """What a statement on the rows writes, in a transaction that is rolled back."""
        return run(self.engine, statement, rows=publishing.ROWS)


@pytest.fixture(scope="module")
def publishers(module_url: str) -> Iterator[Publishing]:
    """Publishers, with triggers for titles and imprints."""
    engine = create_engine(module_url.replace("application.db", "publishing.db"))
    publishing.Base.metadata.create_all(engine)
    ledger, schemas = Ledger(lambda: engine), publishing.declared()
    ledger.create_all()
    triggers = Triggers(ledger, list(schemas), routes=schemas.routes)
    triggers.install()
    yield Publishing(engine, triggers)
    triggers.remove()
    engine.dispose()


def work_of(index: str, operation: Operation, ids: str, fan_out: str | None = None) -> Written:
    return (index, operation.value, fan_out, tuple(ids))


UPSERT, DELETE, FAN_OUT = Operation.UPSERT, Operation.DELETE, Operation.FAN_OUT

CHAINS: dict[str, tuple[str, Works]] = {
    "a column that no document shows": ("UPDATE publisher SET visits = 7", set()),
    "a column that is shown": (
        "UPDATE publisher SET name = 'x' WHERE id = 1",
        {work_of("imprint", FAN_OUT, "1", "Publisher.imprints")},
    ),
    "the column that leads to others": (
        "UPDATE publisher SET code = 'c' WHERE id = 1",
        {
            work_of("imprint", FAN_OUT, "1", "Publisher.imprints"),
            work_of("imprint", UPSERT, "1"),
            work_of("title", FAN_OUT, "1", "Imprint.titles"),
        },
    ),
    "an owner that is deleted": (
        "DELETE FROM publisher WHERE id = 1",
        {work_of("imprint", UPSERT, "1"), work_of("title", FAN_OUT, "1", "Imprint.titles")},
    ),
    "an owner in the middle": (
        "UPDATE imprint SET name = 'x' WHERE id = 1",
        {work_of("imprint", UPSERT, "1"), work_of("title", FAN_OUT, "1", "Imprint.titles")},
    ),
    "an owner in the middle that is deleted": (
        "DELETE FROM imprint WHERE id = 2",
        {work_of("imprint", DELETE, "2"), work_of("title", UPSERT, "23")},
    ),
    "a reference with a chain": (
        "UPDATE award SET name = 'x' WHERE id = 1",
        {work_of("imprint", UPSERT, "1"), work_of("title", FAN_OUT, "1", "Imprint.titles")},
    ),
    "a reference whose column nobody shows": ("UPDATE award SET note = 'x'", set()),
    "an owner in its own table": (
        "UPDATE title SET name = 'w' WHERE id = 1",
        {work_of("title", UPSERT, "1"), work_of("title", FAN_OUT, "1", "Title.sequels")},
    ),
    "an owner in its own table that is deleted": (
        "DELETE FROM title WHERE id = 1",
        {work_of("title", DELETE, "1"), work_of("title", UPSERT, "3")},
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_chains_and_related_rows_without_foreign_keys_are_captured(publishers: Publishing, name: str) -> None:
    statement, expected = CHAINS[name]
    assert publishers.run(statement) == expected


def test_removing_triggers_leaves_no_table_with_one(publishers: Publishing) -> None:
    assert {one.table for one in publishers.triggers.status()} == {"title", "imprint", "publisher", "award"}
    publishers.triggers.remove()
    assert publishers.run("UPDATE publisher SET name = 'x'") == set()
    assert {one.state for one in publishers.triggers.status()} == {TriggerState.MISSING}
    assert {one.table for one in publishers.triggers.install()} == {"title", "imprint", "publisher", "award"}


class Hall(publishing.Base):
    """Python alone knows the text of its key."""

    __tablename__ = "hall"
    opened: Mapped[datetime] = mapped_column(DateTime, primary_key=True)


def test_an_owner_whose_id_sql_cannot_write_is_refused(publishers: Publishing) -> None:
    schemas = publishing.declared()
    schemas.add_owner(Hall, {"titles": FanOut(target=publishing.Title, resolve=lambda hall: [])})
    triggers = Triggers(Ledger(lambda: publishers.engine), [schemas.of(publishing.Title)], routes=schemas.routes)
    with pytest.raises(SchemaError, match=r"triggers cannot capture hall\.opened: .*calls or track"):
        triggers.status()
