"""One id or record that the database refuses does not stop the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import pytest
from sqlalchemy import Dialect, Integer, SmallInteger, String, TypeDecorator, create_engine, func, select, text
from sqlalchemy import Enum as SqlEnum
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, object_session, sessionmaker

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.declaration.schema import Schema
from scrypath_celery.errors import SourceError
from scrypath_celery.source import Source
from scrypath_celery.source.isolation import HOPELESS, isolate
from scrypath_celery.work import ReasonClass, Scope

pytestmark = pytest.mark.one_database


class Base(DeclarativeBase):
    pass


class Part(Base):
    """Its projection asks the database, which refuses where the number is seven."""

    __tablename__ = "part"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(50), default="a part")

    def search_document(self) -> dict[str, Any]:
        session = object_session(self)
        assert session is not None
        # PostgreSQL refuses to divide by zero; the function is told to fail on SQLite, the cast on MariaDB.
        query = {"postgresql": "SELECT 100 / (:x - 7)", "sqlite": "SELECT abs(CASE :x WHEN 7 THEN :low ELSE 1 END)"}
        asked = query.get(session.get_bind().dialect.name, "SELECT CASE :x WHEN 7 THEN (SELECT 1 UNION SELECT 2) END")
        values = {"x": self.id} | ({"low": -(2**63)} if ":low" in asked else {})
        session.execute(text(asked), values).all()
        return {"id": self.id, "name": self.name}


class Status(Enum):
    OPEN = "open"


class Coded(TypeDecorator[str]):
    """A type of the application that cannot read what another program wrote."""

    impl = String(50)
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        if value == "bad":
            raise RuntimeError("cannot be read")
        return value


class Pet(Base):
    """Rows of another program may be of a class that this one does not know."""

    __tablename__ = "pet"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    kind: Mapped[str] = mapped_column(String(50), default="pet")
    name: Mapped[str] = mapped_column(String(50), default="a pet")
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "pet"}


class Task(Base):
    __tablename__ = "task"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[Status] = mapped_column(SqlEnum(Status, native_enum=False, length=50), default=Status.OPEN)


class Secret(Base):
    __tablename__ = "secret"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Coded, default="a secret")


class Small(Base):
    __tablename__ = "small"
    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(50), default="small")


@contextmanager
def opened(url: str) -> Iterator[tuple[Source, sessionmaker[Session]]]:
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    maker = sessionmaker(engine)
    try:
        yield Source(lambda: maker), maker
    finally:
        engine.dispose()


def schema(model: type[Any]) -> Schema:
    return Schemas().add(model, fields=["name"])


def add(maker: sessionmaker[Session], model: type[Any], count: int) -> list[str]:
    with maker.begin() as session:
        session.add_all([model(id=number) for number in range(1, count + 1)])
    return [str(number) for number in range(1, count + 1)]


@pytest.mark.parametrize("count", [7, 20, 300])
def test_only_the_record_whose_projection_the_database_refuses_fails(database_url: str, count: int) -> None:
    with opened(database_url) as (source, maker):
        ids = add(maker, Part, count)
        found = source.read(schema(Part), ids)
    assert list(found.failures) == ["7"]
    failure = found.failures["7"]
    assert (failure.reason_class, failure.scope, failure.permanent) == (ReasonClass.SOURCE, Scope.DOCUMENT, False)
    assert set(found.documents) == set(ids) - {"7"}
    assert found.gone == ()


@pytest.mark.parametrize(("model", "column"), [(Pet, "kind"), (Task, "name"), (Secret, "name")])
@pytest.mark.parametrize("asked", [["1", "2", "3"], ["2"]])
def test_only_the_row_that_cannot_become_a_record_fails(
    database_url: str, model: type[Any], column: str, asked: list[str]
) -> None:
    with opened(database_url) as (source, maker):
        add(maker, model, 3)
        with maker.begin() as session:
            session.execute(text(f"UPDATE {model.__tablename__} SET {column} = 'bad' WHERE id = 2"))
        found = source.read(schema(model), asked)
    assert list(found.failures) == ["2"]
    assert found.failures["2"].reason_class is ReasonClass.SOURCE
    assert set(found.documents) == set(asked) - {"2"}


def test_where_no_row_can_become_a_record_the_source_is_to_blame(database_url: str) -> None:
    with opened(database_url) as (source, maker):
        ids = add(maker, Secret, HOPELESS + 1)
        with maker.begin() as session:
            session.execute(text("UPDATE secret SET name = 'bad'"))
        with pytest.raises(SourceError, match=r"RuntimeError"):
            source.read(schema(Secret), ids)


@pytest.mark.parametrize("model", [Part, Small])
@pytest.mark.parametrize("foreign", ["5000000000", "-40000000000", "9223372036854775807"])
def test_an_id_beyond_the_column_is_gone_and_the_others_are_read(
    database_url: str, model: type[Any], foreign: str
) -> None:
    with opened(database_url) as (source, maker):
        add(maker, model, 3)
        declared = schema(model)
        found = source.read(declared, ["1", foreign, "2"])
        assert (set(found.documents), found.gone, dict(found.failures)) == ({"1", "2"}, (foreign,), {})
        assert source.present(declared, ["1", foreign]) == {"1"}
        with maker() as session:
            assert list(source.records(declared, ["2", foreign], session)) == ["2"]
            assert session.scalar(select(func.count()).select_from(model)) == 3  # its transaction is not spoilt


def test_a_statement_that_fails_for_all_blames_nobody(database_url: str) -> None:
    with opened(database_url) as (source, maker):
        add(maker, Part, 3)
        with maker.begin() as session:
            session.execute(text("DROP TABLE part"))
        with pytest.raises(SourceError):
            source.read(schema(Part), ["1", "2", "3"])
        with pytest.raises(SourceError):
            source.read(schema(Part), ["1"])


def test_a_database_that_cannot_be_reached_is_asked_once() -> None:
    maker = sessionmaker(create_engine("postgresql+psycopg://127.0.0.1:1/none"))
    asked = []

    def sessions(**options: Any) -> Session:
        asked.append(options)
        return maker(**options)

    with pytest.raises(SourceError):
        Source(lambda: sessions).read(schema(Part), ["1", "2", "3"])
    assert len(asked) == 1


def refusing(bad: set[str], asked: list[list[str]]) -> Any:
    def read(ids: list[str]) -> list[str]:
        asked.append(ids)
        if bad.intersection(ids):
            raise ValueError("a value that the driver does not take")
        return ids

    return read


@pytest.mark.parametrize("bad", [{"1"}, {"1000"}, {"1", "2", "3"}, {str(number) for number in range(1, 1001, 31)}])
def test_the_ids_to_blame_are_found_among_a_thousand(bad: set[str]) -> None:
    ids, asked = [str(number) for number in range(1, 1001)], list[list[str]]()
    found = isolate(refusing(bad, asked), ids)
    assert set(found.refused) == bad
    assert {id for part in found.found for id in part} == set(ids) - bad
    assert len(asked) < 24 * len(bad) + 2


def test_where_every_single_id_fails_the_search_ends_soon() -> None:
    ids, asked = [str(number) for number in range(1, 1001)], list[list[str]]()
    with pytest.raises(ValueError, match="driver"):
        isolate(refusing(set(ids), asked), ids)
    assert len(asked) < 2 * 1024 + HOPELESS
