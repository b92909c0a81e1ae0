"""What a plain client writes is captured, whatever the statement: the works say which documents it concerns."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from sqlalchemy import Connection, Engine, delete
from sqlalchemy.exc import DBAPIError

from scrypath_celery import Scrypath
from scrypath_celery.ledger.tables import work
from tests.integration.triggers.library import works

EVERYWHERE = ("sqlite", "postgresql", "mariadb")


@dataclass(frozen=True, kw_only=True)
class Case:
    """Statements of a plain client (`before` them others), and the ids that the works of one index then name."""

    index: str = "book"
    before: tuple[str, ...] = ()
    run: tuple[str, ...]
    ids: set[str]
    on: tuple[str, ...] = field(default=EVERYWHERE)


def upsert(*dialects: str) -> str:
    if "mariadb" in dialects:
        return "INSERT INTO book (id, title) VALUES (1, 'b'), (2, 'b') ON DUPLICATE KEY UPDATE title = 'c'"
    return "INSERT INTO book (id, title) VALUES (1, 'b'), (2, 'b') ON CONFLICT (id) DO UPDATE SET title = 'c'"


BOOKS: tuple[str, ...] = (
    "INSERT INTO country (id) VALUES (1)",
    "INSERT INTO author (id, country_id) VALUES (7, 1), (8, NULL)",
)
BOOKS += (
    "INSERT INTO book (id, title, author_id, editor_id) VALUES (1, 'a', 7, 8), (2, 'a', 7, NULL), (3, 'a', 8, 7)",
)
UUID = "9c5b94b1-35ad-49bb-b118-8e8fc24abf80"
TRUCK: tuple[str, ...] = ("INSERT INTO vehicle (id, kind, name) VALUES (1, 'truck', 'a'), (2, 'vehicle', 'b')",)
TRUCK += ("INSERT INTO truck (id, load) VALUES (1, 5)".replace("load", "{load}"),)
SHAPES = ("INSERT INTO shape (id, kind) VALUES (1, 'circle'), (2, 'shape')",)

TOPICS: tuple[str, ...] = ("INSERT INTO topic (id, above_id) VALUES (1, NULL), (2, 1), (3, 2), (5, NULL)",)
TOPICS += ("INSERT INTO topic (id, next_id) VALUES (4, 3)", "INSERT INTO remark (id, topic_id) VALUES (8, 3), (9, 5)")

PARTS: tuple[str, ...] = ("INSERT INTO author (id) VALUES (7)",)
PARTS += ("INSERT INTO part (id, author_id, before_id) VALUES (1, NULL, NULL), (2, 7, 1), (3, NULL, 2)",)

LABELS = ("INSERT INTO label (name, note, views) VALUES ('a', 'x', 1), ('b', 'y', NULL)",)
CTE = """
WITH gone AS (DELETE FROM book WHERE id = 1), new AS (INSERT INTO book (id, title) VALUES (5, 'e'))
UPDATE book SET title = 'u' WHERE id = 2
"""

CASES = {
    "an insert of many rows": Case(run=("INSERT INTO book (id, title) VALUES (1, 'a'), (2, 'b')",), ids={"1", "2"}),
    "an insert of what is selected": Case(
        before=BOOKS, run=("INSERT INTO book (id, title) SELECT id + 10, title FROM book",), ids={"11", "12", "13"}
    ),
    "an update of many rows": Case(before=BOOKS, run=("UPDATE book SET title = 'b' WHERE id < 3",), ids={"1", "2"}),
    "an update of no row": Case(before=BOOKS, run=("UPDATE book SET title = 'b' WHERE id > 9",), ids=set()),
    "an update of the key": Case(before=BOOKS, run=("UPDATE book SET id = 9 WHERE id = 1",), ids={"1", "9"}),
    "a delete": Case(before=BOOKS, run=("DELETE FROM book WHERE id = 2",), ids={"2"}),
    "an upsert": Case(before=BOOKS[:2], run=(upsert(),), ids={"1", "2"}, on=("sqlite", "postgresql")),
    "an upsert of MariaDB's": Case(before=BOOKS, run=(upsert("mariadb"),), ids={"1", "2"}, on=("mariadb",)),
    "a replacement": Case(
        before=BOOKS, run=("REPLACE INTO book (id, title) VALUES (1, 'z')",), ids={"1"}, on=("sqlite", "mariadb")
    ),
    "writes in a common table expression": Case(before=BOOKS, run=(CTE,), ids={"1", "2", "5"}, on=("postgresql",)),
    "a truncation": Case(before=BOOKS, run=("TRUNCATE book",), ids={"1", "2", "3"}, on=("postgresql",)),
    "a cascade of the database": Case(before=BOOKS, run=("DELETE FROM author WHERE id = 7",), ids={"1", "2", "3"}),
    "a cascade over two tables": Case(before=BOOKS, run=("DELETE FROM country",), ids={"1", "2", "3"}),
    "a reference that is set to null": Case(
        before=BOOKS, run=("UPDATE book SET author_id = NULL", "DELETE FROM author WHERE id = 8"), ids={"1", "2", "3"}
    ),
    "a reference that follows its key": Case(
        before=BOOKS, run=("UPDATE author SET id = 17 WHERE id = 8",), ids={"1", "3"}
    ),
    "a referenced row that keeps its key": Case(before=BOOKS, run=("UPDATE author SET visits = 1",), ids=set()),
    "a text key with a quote": Case(
        index="label", run=("INSERT INTO label (name, note) VALUES ('it''s \"it\"', '')",), ids={'it\'s "it"'}
    ),
    "a text key that changes its case": Case(
        index="label",
        before=("INSERT INTO label (name, note) VALUES ('a', '')",),
        run=("UPDATE label SET name = 'A'",),
        ids={"a", "A"},
    ),
    "a column that no document shows": Case(
        index="label", before=LABELS, run=("UPDATE label SET views = views + 1",), ids=set()
    ),
    "one row of many whose document changes": Case(
        index="label", before=LABELS, run=("UPDATE label SET views = 0, note = 'z' WHERE name = 'a'",), ids={"a"}
    ),
    "a value that changes its case": Case(
        index="label", before=LABELS, run=("UPDATE label SET note = upper(note) WHERE name = 'b'",), ids={"b"}
    ),
    "another column as document id": Case(
        index="page",
        before=("INSERT INTO page (id, slug) VALUES (1, 'one')",),
        run=("UPDATE page SET slug = 'uno'", "DELETE FROM page"),
        ids={"one", "uno"},
    ),
    "a document id that is not there": Case(
        index="page", run=("INSERT INTO page (id, slug) VALUES (1, NULL), (2, 'two')",), ids={"two"}
    ),
    "a composite primary key": Case(
        index="seat",
        run=("INSERT INTO seat ({row}, number, place) VALUES ('a', 1, 'a1')", "DELETE FROM seat"),
        ids={"a1"},
    ),
    "a UUID": Case(
        index="device", run=(f"INSERT INTO device (id, note) VALUES ('{UUID}', '')",), ids={UUID}, on=("postgresql",)
    ),
    "a UUID as hexadecimal digits": Case(
        index="device",
        run=(f"INSERT INTO device (id, note) VALUES ('{UUID.replace('-', '')}', '')", "DELETE FROM device"),
        ids={UUID},
        on=("sqlite", "mariadb"),
    ),
    "a UUID that is kept as digits": Case(
        index="chip",
        run=(f"INSERT INTO chip VALUES ('{UUID.replace('-', '')}', '')",),
        ids={UUID},
    ),
    "a date": Case(index="day", run=("INSERT INTO day (id) VALUES ('2030-01-02')",), ids={"2030-01-02"}),
    "a cascade within one table": Case(
        index="topic", before=TOPICS, run=("DELETE FROM topic WHERE id = 1",), ids={"1", "2", "3", "4"}
    ),
    "a cascade over one that goes deep": Case(
        index="remark", before=TOPICS, run=("DELETE FROM topic WHERE id = 1",), ids={"8"}
    ),
    "a reference within one table that is set to null": Case(
        index="part", before=PARTS, run=("DELETE FROM part WHERE id = 1",), ids={"1", "2"}
    ),
    "a cascade beside a reference that is set to null": Case(
        index="part", before=PARTS, run=("DELETE FROM author WHERE id = 7",), ids={"2", "3"}
    ),
    "the table of a concrete subclass": Case(
        index="plant",
        run=("INSERT INTO plant VALUES (1, 'a')", "INSERT INTO tree VALUES (2, 'b')", "UPDATE tree SET id = 3"),
        ids={"1", "2", "3"},
    ),
    "the own table of a subclass": Case(index="truck", before=TRUCK, run=("UPDATE truck SET {load} = 6",), ids={"1"}),
    "the table above a subclass": Case(index="truck", before=TRUCK, run=("UPDATE vehicle SET name = 'z'",), ids={"1"}),
    "a subclass that is deleted with its base": Case(
        index="truck", before=TRUCK, run=("DELETE FROM vehicle WHERE id = 1",), ids={"1"}
    ),
    "a class among others in one table": Case(
        index="circle", before=SHAPES, run=("UPDATE shape SET id = id + 10",), ids={"1", "11"}
    ),
    "a record that changes its class": Case(
        index="circle", before=SHAPES, run=("UPDATE shape SET kind = 'shape'",), ids={"1"}
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_plain_statement_is_captured(connection: Connection, name: str) -> None:
    case, dialect = CASES[name], connection.dialect.name.replace("mysql", "mariadb")
    if dialect not in case.on:
        return
    quoted = {word: connection.dialect.identifier_preparer.quote(word) for word in ("row", "load")}
    for statement in case.before:
        connection.exec_driver_sql(statement.format(**quoted))
    connection.execute(delete(work))
    for statement in case.run:
        connection.exec_driver_sql(statement.format(**quoted))
    found = works(connection, case.index)
    assert {id for _, ids in found for id in ids} == case.ids
    assert all(ids for _, ids in found)


def test_a_rollback_takes_the_work_along(connection: Connection) -> None:
    connection.exec_driver_sql("INSERT INTO book (id, title) VALUES (1, 'a')")
    with connection.begin_nested() as savepoint:
        connection.exec_driver_sql("INSERT INTO book (id, title) VALUES (2, 'a')")
        savepoint.rollback()
    assert works(connection, "book") == [("upsert", ["1"])]
    connection.rollback()
    assert works(connection, "book") == []


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_a_truncation_that_may_remove_unseen_rows_is_refused(library: Scrypath, engine: Engine, level: str) -> None:
    if engine.dialect.name != "postgresql":
        return
    strict = engine.execution_options(isolation_level=level)
    with strict.connect() as connection, pytest.raises(DBAPIError, match="Truncate under READ COMMITTED"):
        connection.exec_driver_sql("TRUNCATE book")


def test_one_statement_writes_a_work_for_every_thousand_rows(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("INSERT INTO book (id, title) SELECT n, 'a' FROM generate_series(1, 2500) AS n")
        found = works(connection, "book")
        assert sorted(len(ids) for _, ids in found) == [500, 1000, 1000]
        assert {int(id) for _, ids in found for id in ids} == set(range(1, 2501))


def test_many_ids_are_not_cut_where_the_database_aggregates_little(connection: Connection) -> None:
    if getattr(connection.dialect, "is_mariadb", False):
        connection.exec_driver_sql(BOOKS[0])
        connection.exec_driver_sql(BOOKS[1])
        connection.exec_driver_sql("INSERT INTO book (id, title, author_id) SELECT seq, 'a', 7 FROM seq_1_to_1200")
        connection.execute(delete(work))
        connection.exec_driver_sql("SET SESSION group_concat_max_len = 64")
        connection.exec_driver_sql("DELETE FROM author WHERE id = 7")
        connection.exec_driver_sql("SET SESSION group_concat_max_len = DEFAULT")
        assert sorted(len(ids) for _, ids in works(connection, "book")) == [200, 1000]


SWITCHES = {
    "postgresql": ("SET LOCAL scrypath.capture = off", "SET LOCAL scrypath.capture = on"),
    "mysql": ("SET @scrypath_capture = 'off'", "SET @scrypath_capture = NULL"),
    "mariadb": ("SET @scrypath_capture = 'off'", "SET @scrypath_capture = NULL"),
    "sqlite": ("UPDATE scrypath_ledger SET capture_off = 1", "UPDATE scrypath_ledger SET capture_off = 0"),
}


def test_a_bulk_load_can_switch_them_off(connection: Connection) -> None:
    off, on = SWITCHES[connection.dialect.name]
    connection.exec_driver_sql(off)
    connection.exec_driver_sql("INSERT INTO book (id, title) VALUES (1, 'a')")
    assert works(connection, "book") == []
    connection.exec_driver_sql(on)
    connection.exec_driver_sql("INSERT INTO book (id, title) VALUES (2, 'a')")
    assert works(connection, "book") == [("upsert", ["2"])]
