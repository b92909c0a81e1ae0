"""Ids that the database spells otherwise than they were given: documents have the id that the database returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import CHAR, BigInteger, Integer, Numeric, String, Uuid, select
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column
from sqlalchemy.types import TypeDecorator

from scrypath_celery.capture.inline import drain
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.ledger import works
from scrypath_celery.work import Mode, Operation
from tests.blog import Blog, open_blog

pytestmark = pytest.mark.filterwarnings("ignore:Dialect sqlite")

ONE, TWO = UUID("7800562c-3ebc-4db7-a134-3aab7e8c1c73"), UUID("c5ff2530-0a94-4714-9557-d13bdf1adbbb")


class Base(DeclarativeBase):
    pass


class Plain(TypeDecorator[str]):
    """Text without blanks around it, in lower case."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else value.strip().lower()


class Prefixed(TypeDecorator[int]):
    """A number that the application may give with letters before it."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(str(value).removeprefix("no-"))


class Letters(TypeDecorator[str]):
    """A number that the application knows as letters alone."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Any) -> Any:
        return None if value is None else int(value.translate(str.maketrans("abcdefghij", "0123456789")))

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        return None if value is None else str(value).translate(str.maketrans("0123456789", "abcdefghij"))


KEYS: dict[str, tuple[Any, list[Any]]] = {
    "uuid_hex": (Uuid(as_uuid=False), [ONE.hex, TWO.hex]),
    "uuid_text": (Uuid(as_uuid=False, native_uuid=False), [ONE.hex, str(TWO)]),
    "padded": (CHAR(6), ["abc", "a-b-c", "sixsix"]),
    "normalised": (Plain(), ["ABC", " padded ", "plain"]),
    "prefixed": (Prefixed(), ["no-4", 5, "6"]),
    "letters": (Letters(), ["bcd", "e"]),
    "decimal": (Numeric(10, 0), [5, Decimal("6.0"), "7"]),
    "integer": (Integer(), ["5", 6, "007"]),
    "big": (BigInteger(), [5.0, str(2**40), 2**41]),
}
MODELS: dict[str, Any] = {
    name: type(
        name,
        (Base,),
        {
            "__tablename__": name,
            "id": mapped_column(kind, primary_key=True, autoincrement=False),
            "title": mapped_column(String(20)),
        },
    )
    for name, (kind, _) in KEYS.items()
}


@pytest.fixture
def spelt(database_url: str) -> Iterator[Blog]:
    """A class for each kind of key, in each kind of database."""
    opened = open_blog(database_url)
    Base.metadata.create_all(opened.engine)
    schemas = Schemas()
    for model in MODELS.values():
        schemas.add(model, fields=["title"])
    opened.schemas, opened.runtime = schemas, replace(opened.runtime, schemas=schemas)
    opened.__post_init__()
    yield opened
    opened.tracker.untrack(opened.make)
    opened.engine.dispose()


def given() -> list[Any]:
    return [MODELS[name](id=value, title="t") for name, (_, values) in KEYS.items() for value in values]


def explicitly(blog: Blog) -> None:
    with blog.make.begin() as session:
        session.add_all(records := given())
        blog.capture.sync_records(records, session=session)


def tracked(blog: Blog) -> None:
    blog.tracker.track(blog.make)
    with blog.make.begin() as session:
        session.add_all(given())


def by_a_backfill(blog: Blog) -> None:
    blog.add(*given())
    for schema in blog.schemas:
        for page in blog.runtime.source.pages(schema, 2):
            blog.runtime.ledger.run(
                partial(works.write, index_uid=schema.uid, operation=Operation.BACKFILL, ids=page, mode=Mode.CELERY)
            )


def indexed(blog: Blog) -> dict[str, set[str]]:
    return {name: set(blog.index.indexes.get(name, {})) for name in MODELS}


def stored(blog: Blog, session: Session) -> dict[str, set[str]]:
    """The ids that the database returns; blanks that it fills up with are no part of them."""
    found = {}
    for name, model in MODELS.items():
        schema = blog.schemas.of(model)
        found[name] = {schema.id_of(id) for id in session.scalars(select(model.id))}
    return found


@pytest.mark.parametrize("write", [explicitly, tracked, by_a_backfill])
def test_a_document_has_the_id_that_the_database_returns(spelt: Blog, write: Callable[[Blog], None]) -> None:
    write(spelt)
    drain(spelt.runtime)
    with spelt.make() as session:
        expected = stored(spelt, session)
    assert indexed(spelt) == expected
    assert {name: len(ids) for name, ids in expected.items()} == {name: len(KEYS[name][1]) for name in KEYS}
    assert set(spelt.states()) <= {"succeeded"}


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("is_tracked", [False, True], ids=["explicitly", "tracked"])
def test_a_record_that_still_has_its_given_spelling_is_changed_and_deleted(spelt: Blog, is_tracked: bool) -> None:
    if is_tracked:
        spelt.tracker.track(spelt.make)
    with spelt.make(expire_on_commit=False) as session:
        session.add_all(records := given())
        spelt.capture.sync_records(records, session=session)
        session.commit()
        drain(spelt.runtime)
        session.begin()
        for record in records:
            record.title = "changed"
            spelt.capture.sync_record(record) if not is_tracked else None
            session.flush()  # keys of several types cannot be sorted
        session.commit()
        drain(spelt.runtime)
        titles = {document["title"] for name in MODELS for document in spelt.index.indexes[name].values()}
        assert titles == {"changed"}
        session.begin()
        for record in records:
            spelt.capture.delete_record(record) if not is_tracked else None
            session.delete(record)
            session.flush()
        session.commit()
    drain(spelt.runtime)
    assert indexed(spelt) == {name: set() for name in MODELS}
    assert set(spelt.states()) == {"succeeded"}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_loaded_record_is_deleted_under_its_document_id(spelt: Blog) -> None:
    explicitly(spelt)
    drain(spelt.runtime)
    with spelt.make.begin() as session:
        for model in MODELS.values():
            for record in session.scalars(select(model)):
                spelt.capture.delete_record(record)
                session.delete(record)
            session.flush()
    drain(spelt.runtime)
    assert indexed(spelt) == {name: set() for name in MODELS}


@pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)
@pytest.mark.parametrize("value", [str(ONE).upper(), str(TWO).upper().replace("-", "", 1)])
def test_a_uuid_in_upper_case_is_indexed_as_the_database_returns_it(spelt: Blog, value: str) -> None:
    if spelt.engine.dialect.name != "postgresql":
        value = str(UUID(value)).upper()
    with spelt.make.begin() as session:
        session.add(record := MODELS["uuid_hex"](id=value, title="t"))
        spelt.capture.sync_record(record)
    drain(spelt.runtime)
    assert indexed(spelt)["uuid_hex"] == {str(UUID(value))}
