"""Names, types, values and connections of every sort: their writes are captured under the id that Python knows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Column, Connection, Engine, Float, Integer, MetaData, String, Table, create_engine, delete
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.cli.triggers import _literal
from scrypath_celery.errors import SchemaError
from scrypath_celery.ledger.tables import work
from scrypath_celery.ledger.triggers.names import quoting
from scrypath_celery.ledger.triggers.trigger import TriggerState
from tests.integration.triggers.library import works

UUID = "9c5b94b1-35ad-49bb-b118-8e8fc24abf80"


class Base(DeclarativeBase):
    pass


class Ticket(Base):
    """The database shows its number with zeros before it."""

    __tablename__ = "ticket"
    number: Mapped[int] = mapped_column(
        Integer().with_variant(mysql.INTEGER(zerofill=True, display_width=8), "mysql", "mariadb"), primary_key=True
    )


class Token(Base):
    """Its key is a UUID on PostgreSQL, and a text with hyphens elsewhere."""

    __tablename__ = "token"
    id: Mapped[str] = mapped_column(
        postgresql.UUID(as_uuid=False).with_variant(String(36), "sqlite", "mysql", "mariadb"), primary_key=True
    )


class Word(Base):
    __tablename__ = "word"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)


class Measure(Base):
    __tablename__ = "measure"
    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[float] = mapped_column(Float(53))


class Thing(Base):
    """Its names hold what other languages take for theirs."""

    __tablename__ = "odd %s `\"' :name"
    id: Mapped[int] = mapped_column("a %d `\"' :id", primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(20))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "thing"}


class Oddity(Thing):
    __mapper_args__ = {"polymorphic_identity": "'\\"}


@pytest.fixture(scope="module")
def search(module_url: str) -> Iterator[Scrypath]:
    """All of these with their triggers; on MariaDB installed by a client of another character set."""
    latin = {"charset": "latin1"} if module_url.startswith("mysql") else {}
    with ExitStack() as stack:
        engine, installing = create_engine(module_url), create_engine(module_url, connect_args=latin)
        stack.callback(engine.dispose)
        stack.callback(installing.dispose)
        Base.metadata.create_all(engine)
        found = [Scrypath(None, database=one) for one in (engine, installing)]
        for one in found:
            for model, fields in {Ticket: [], Token: [], Word: [], Measure: ["size"]}.items():
                one.schema(fields=fields)(model)
            one.schema(fields=[], index="oddity")(Oddity)
        found[0].ledger.create_all()
        for schema in found[1].schemas:
            found[1].ledger.triggers(schema).install()
        yield found[0]


@pytest.fixture
def connection(search: Scrypath) -> Iterator[Connection]:
    """A transaction that is rolled back at the end."""
    with search.ledger.database.connect() as connection:
        yield connection
        connection.rollback()


def captured(connection: Connection, index_uid: str) -> list[list[str]]:
    return [ids for _, ids in works(connection, index_uid)]


def test_a_number_that_is_shown_with_zeros_is_captured_as_a_number(connection: Connection) -> None:
    connection.exec_driver_sql("INSERT INTO ticket VALUES (7)")
    assert captured(connection, "ticket") == [["7"]]


def test_an_id_is_captured_as_the_type_that_it_has_on_this_database(connection: Connection) -> None:
    connection.exec_driver_sql(f"INSERT INTO token VALUES ('{UUID}')")
    assert captured(connection, "token") == [[UUID]]


def test_letters_do_not_depend_on_who_installed_the_triggers(connection: Connection) -> None:
    connection.exec_driver_sql("INSERT INTO word VALUES ('ñ☃')")
    assert captured(connection, "word") == [["ñ☃"]]


def test_a_change_of_the_last_digits_is_one_whatever_the_client_is_shown(connection: Connection) -> None:
    connection.exec_driver_sql("INSERT INTO measure VALUES (1, 1.2)")
    connection.execute(delete(work))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL extra_float_digits = -10")
    connection.exec_driver_sql("UPDATE measure SET size = 1.20000001")
    assert captured(connection, "measure") == [["1"]]


def test_locked_tables_are_captured_where_the_ledger_is_locked_along(search: Scrypath) -> None:
    if search.ledger.database.dialect.name != "mysql":
        return
    with search.ledger.database.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM scrypath_work").close()
        connection.exec_driver_sql("LOCK TABLES word WRITE, scrypath_work WRITE")
        connection.exec_driver_sql("INSERT INTO word VALUES ('locked')")
        connection.exec_driver_sql("UNLOCK TABLES")
        assert captured(connection, "word") == [["locked"]]
        connection.exec_driver_sql("DELETE FROM word")
        connection.execute(delete(work))
        connection.commit()


def write_an_oddity(connection: Connection) -> None:
    connection.execute(Thing.__table__.insert().values({Thing.kind: "'\\", Thing.id: 5}))  # type: ignore[attr-defined]
    quote = quoting(connection.dialect).quote
    table, key = quote(Thing.__tablename__), quote("a %d `\"' :id")
    connection.exec_driver_sql(f"DELETE FROM {table} WHERE {key} = 5", execution_options={"no_parameters": True})


def test_names_and_classes_with_quotes_and_backslashes_are_captured(connection: Connection) -> None:
    write_an_oddity(connection)
    assert captured(connection, "oddity") == [["5"], ["5"]]


def test_alembic_takes_names_with_colons_and_quotes(search: Scrypath, connection: Connection) -> None:
    triggers = search.ledger.triggers(Oddity)
    statements = triggers.statements()
    triggers.remove()
    with search.ledger.database.begin() as migrating:
        op = Operations(MigrationContext.configure(migrating))
        for one in statements:
            exec(f"op.execute({_literal(one)})", {"op": op})
    assert {one.state for one in triggers.status()} == {TriggerState.INSTALLED}
    write_an_oddity(connection)
    assert captured(connection, "oddity") == [["5"], ["5"]]


OTHERS = {
    "a materialized view": ("CREATE MATERIALIZED VIEW other AS SELECT * FROM word", "MATERIALIZED VIEW"),
    "a foreign table": (
        "CREATE FOREIGN TABLE other (id text) SERVER far OPTIONS (filename '/dev/null')",
        "FOREIGN TABLE",
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_table_is_refused_by_name(search: Scrypath, kind: str) -> None:
    if search.ledger.database.dialect.name != "postgresql":
        return
    create, drop = OTHERS[kind]
    own = Scrypath(None, database=search.ledger.database)

    class Other(DeclarativeBase):
        pass

    class Seen(Other):
        __table__ = Table("other", MetaData(), Column("id", String, primary_key=True))

    own.schema(fields=[])(Seen)
    _run(search.ledger.database, "CREATE EXTENSION IF NOT EXISTS file_fdw")
    _run(search.ledger.database, "CREATE SERVER IF NOT EXISTS far FOREIGN DATA WRAPPER file_fdw", create)
    try:
        with pytest.raises(SchemaError, match=f"other is {kind}; capture its writes by calls or track"):
            own.ledger.triggers(Seen).install()
    finally:
        _run(search.ledger.database, f"DROP {drop} other")


def _run(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for one in statements:
            connection.exec_driver_sql(one)
