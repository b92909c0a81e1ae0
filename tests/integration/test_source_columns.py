"""Documents read as columns are those that are read as records, byte for byte."""

from __future__ import annotations

import datetime
import enum
import logging
import random
import string
import uuid
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Enum,
    Float,
    ForeignKey,
    Integer,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Text,
    Time,
    Uuid,
    case,
    create_engine,
    event,
    select,
)
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.ext.mutable import MutableDict
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    mapped_column,
    reconstructor,
    relationship,
    selectinload,
    sessionmaker,
    undefer,
)
from sqlalchemy.pool import StaticPool
from sqlalchemy.types import TypeDecorator

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.declaration.schema import Schema
from scrypath_celery.source import Reading, Source


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Reversed(TypeDecorator[str]):
    """A type of the application's own."""

    impl = String(50)
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value[::-1]

    def process_result_value(self, value: str | None, dialect: Any) -> str | None:
        return None if value is None else value[::-1]


class Base(DeclarativeBase):
    """The models of this file."""


class Thing(Base):
    """A column of every type."""

    __tablename__ = "speed_things"
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    text: Mapped[str | None] = mapped_column(Text)
    word: Mapped[str | None] = mapped_column("word_column", String(100))
    whole: Mapped[int | None] = mapped_column(BigInteger)
    real: Mapped[float | None] = mapped_column(Float(53))
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    flag: Mapped[bool | None] = mapped_column(Boolean)
    day: Mapped[datetime.date | None] = mapped_column(Date)
    at: Mapped[datetime.datetime | None] = mapped_column(DateTime)
    zoned: Mapped[datetime.datetime | None] = mapped_column(DateTime(timezone=True))
    clock: Mapped[datetime.time | None] = mapped_column(Time)
    span: Mapped[datetime.timedelta | None] = mapped_column(Interval)
    key: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    colour: Mapped[Colour | None] = mapped_column(Enum(Colour, native_enum=False, length=10))
    data: Mapped[Any] = mapped_column(JSON, nullable=True)
    mirrored: Mapped[str | None] = mapped_column(Reversed)
    blob: Mapped[bytes | None] = mapped_column(LargeBinary)

    @hybrid_property
    def size(self) -> int:
        return 0 if self.text is None else 1

    @size.inplace.expression
    @classmethod
    def _size(cls) -> Any:
        return case((cls.text.is_(None), 0), else_=1)

    @hybrid_property
    def doubled(self) -> int:
        return (self.whole or 0) * 2

    @property
    def loud(self) -> str:
        return (self.word or "").upper()


FIELDS = "text word whole real price flag day at zoned clock span key colour data mirrored size".split()
ALPHABET = string.ascii_letters + ' "\\/äßé€𝄞漢\t\n\x7f'


def words(dice: random.Random) -> str:
    return "".join(dice.choice(ALPHABET) for _ in range(dice.randrange(20)))


def moment(dice: random.Random) -> datetime.datetime:
    return datetime.datetime(2000, 1, 1) + datetime.timedelta(microseconds=dice.randrange(10**15))


def tree(dice: random.Random, depth: int = 0) -> Any:
    kind = dice.randrange(6 if depth < 3 else 4)
    if kind == 4:
        return [tree(dice, depth + 1) for _ in range(dice.randrange(3))]
    if kind == 5:
        return {words(dice): tree(dice, depth + 1) for _ in range(dice.randrange(3))}
    return (words(dice), dice.randrange(-(2**40), 2**40), dice.random(), None)[kind]


VALUES: dict[str, Callable[[random.Random], Any]] = {
    "text": words,
    "word": words,
    "whole": lambda dice: dice.choice([0, -1, 2**63 - 1, -(2**63), dice.randrange(10**9)]),
    "real": lambda dice: dice.choice([0.0, -0.0, 1e300, dice.uniform(-1e6, 1e6), 3.0]),
    "price": lambda dice: dice.choice([Decimal("1.5000"), Decimal(3), Decimal(dice.randrange(10**10)) / 10**4]),
    "flag": lambda dice: dice.random() < 0.5,
    "day": lambda dice: moment(dice).date(),
    "at": moment,
    "zoned": lambda dice: moment(dice).replace(tzinfo=datetime.UTC),
    "clock": lambda dice: moment(dice).time(),
    "span": lambda dice: datetime.timedelta(seconds=dice.randrange(10**6), microseconds=dice.randrange(10**6)),
    "key": lambda dice: uuid.UUID(int=dice.getrandbits(128), version=4),
    "colour": lambda dice: dice.choice(list(Colour)),
    "data": tree,
    "mirrored": words,
}


@pytest.fixture
def empty() -> Iterator[Source]:
    engine = create_engine("sqlite://")
    yield Source(lambda: sessionmaker(engine))
    engine.dispose()


def things(dice: random.Random, count: int) -> list[Thing]:
    made = ({name: make(dice) if dice.random() < 0.8 else None for name, make in VALUES.items()} for _ in range(count))
    return [Thing(id=id, **values) for id, values in enumerate(made, start=1)]


def ways(schema: Schema, source: Source, ids: list[str]) -> tuple[Reading, Reading]:
    """What is read as columns, and what is read as records: a loader option is what makes it so."""
    options: dict[str, Any] = {"fields": schema.fields, "index_if": schema.index_if, "document_id": schema.document_id}
    slow = Schemas().add(schema.model, select=lambda: select(schema.model).options(undefer("*")), **options)
    assert source.by_columns(schema)
    assert not source.by_columns(slow)
    return source.read(schema, ids), source.read(slow, ids)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def maker(request: pytest.FixtureRequest) -> Any:
    """Sessions of each database, with the tables of this file."""
    url = "sqlite://" if request.param == "sqlite" else request.getfixturevalue(f"{request.param}_url")
    engine = create_engine(url, **({"poolclass": StaticPool} if request.param == "sqlite" else {}))
    Base.metadata.create_all(engine)
    yield sessionmaker(engine)
    Base.metadata.drop_all(engine)
    engine.dispose()


@pytest.mark.filterwarnings("ignore:Dialect sqlite")
@pytest.mark.parametrize("seed", range(3))
def test_columns_of_every_type_give_the_same_bytes_as_records_do(maker: Any, seed: int) -> None:
    dice = random.Random(seed)
    with maker.begin() as session:
        session.add_all(things(dice, 150))
    source = Source(lambda: maker)
    schema = Schemas().add(Thing, fields=FIELDS)
    fast, slow = ways(schema, source, [str(id) for id in range(1, 161)])
    assert len(fast.documents) > 100
    assert dict(fast.documents) == dict(slow.documents)
    assert (fast.gone, dict(fast.failures)) == (slow.gone, dict(slow.failures))


@pytest.mark.filterwarnings("ignore:Dialect sqlite")
def test_what_has_no_document_fails_alike_with_the_same_words(maker: Any) -> None:
    with maker.begin() as session:
        session.add_all([Thing(id=1, blob=b"no"), Thing(id=2), Thing(id=3, word="not an id"), Thing(id=4, word="fine")])
    source = Source(lambda: maker)
    for declared in ({"fields": ["blob"]}, {"fields": ["text"], "document_id": "word"}):
        ids = ["1", "2", "3", "4", "not an id", "fine"]
        fast, slow = ways(Schemas().add(Thing, **declared), source, ids)
        assert fast == slow
        assert fast.failures
        assert fast.documents


@pytest.mark.filterwarnings("ignore:Dialect sqlite")
def test_what_a_column_keeps_out_of_the_index_is_gone_either_way(maker: Any) -> None:
    with maker.begin() as session:
        session.add_all([Thing(id=1, flag=True), Thing(id=2, flag=False), Thing(id=3)])
    fast, slow = ways(Schemas().add(Thing, fields=["text"], index_if="flag"), Source(lambda: maker), ["1", "2", "3"])
    assert (list(fast.documents), fast.gone) == (["1"], ("2", "3"))
    assert fast == slow


class Own(Base):
    """A model with a document of its own."""

    __tablename__ = "speed_own"
    id: Mapped[int] = mapped_column(primary_key=True)

    def search_document(self) -> dict[str, Any]:
        return {"id": self.id, "own": True}


class Woken(Base):
    """A model that changes as it is loaded."""

    __tablename__ = "speed_woken"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))

    @reconstructor
    def wake(self) -> None:
        self.__dict__["name"] = self.name.upper()


class Changing(Base):
    """A model with a value that is followed."""

    __tablename__ = "speed_changing"
    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict[str, Any]] = mapped_column(MutableDict.as_mutable(JSON()))


class Animal(Base):
    """A model of which there are kinds."""

    __tablename__ = "speed_animals"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(50))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}


class Cat(Animal):
    """One kind."""

    __mapper_args__ = {"polymorphic_identity": "cat"}


@pytest.mark.parametrize(
    ("model", "declared"),
    [
        (Thing, {"fields": ["loud"]}),
        (Thing, {"fields": ["doubled"]}),
        (Thing, {"fields": ["text"], "index_if": lambda record: True}),
        (Thing, {"fields": ["text"], "index_if": "loud"}),
        (Thing, {"fields": ["text"], "select": lambda: select(Thing).options(undefer(Thing.text))}),
        (Own, {"fields": ["own"]}),
        (Woken, {"fields": ["name"]}),
        (Changing, {"fields": ["data"]}),
        (Animal, {"fields": ["kind"]}),
        (Cat, {"fields": ["kind"]}),
    ],
)
def test_where_the_models_code_has_a_part_records_are_read(empty: Source, model: Any, declared: dict[str, Any]) -> None:
    assert not empty.by_columns(Schemas().add(model, **declared))


def test_a_listener_that_comes_later_is_heeded(empty: Source) -> None:
    schema = Schemas().add(Own.__mro__[0], fields=["id"])
    assert not empty.by_columns(schema)
    schema = Schemas().add(Writer, fields=["name"])
    assert empty.by_columns(schema)

    def changed(record: Writer, context: Any) -> None:
        record.__dict__["name"] = "changed"

    event.listen(Writer, "load", changed)
    try:
        assert not empty.by_columns(schema)
    finally:
        event.remove(Writer, "load", changed)


def test_a_statement_with_criteria_alone_is_read_as_columns(empty: Source) -> None:
    flagged = Schemas().add(Thing, fields=["text"], select=lambda: select(Thing).where(Thing.flag.is_(True)))
    assert empty.by_columns(flagged)


class Writer(Base):
    """The one side."""

    __tablename__ = "speed_writers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(50))


class Book(Base):
    """The side whose documents hold something of the other."""

    __tablename__ = "speed_books"
    id: Mapped[int] = mapped_column(primary_key=True)
    writer_id: Mapped[int] = mapped_column(ForeignKey("speed_writers.id"))
    writer: Mapped[Writer] = relationship()

    @property
    def by(self) -> str:
        return self.writer.name


def test_loads_one_by_one_are_named_once_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    maker = sessionmaker(engine)
    with maker.begin() as session:
        session.add_all([Book(id=id, writer=Writer(name=f"writer {id}")) for id in range(1, 31)])
    source, ids = Source(lambda: maker), [str(id) for id in range(1, 31)]
    schema = Schemas().add(Book, fields=["by"])
    whole = Schemas().add(Book, fields=["by"], select=lambda: select(Book).options(selectinload(Book.writer)))
    with caplog.at_level(logging.WARNING, "scrypath_celery"):
        source.read(whole, ids)
        assert caplog.records == []
        source.read(schema, ids)
        source.read(schema, ids)
    [told] = [record.getMessage() for record in caplog.records]
    assert "Book.writer one by one (30 queries in one reading, N+1)" in told
    engine.dispose()
