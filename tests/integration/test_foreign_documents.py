"""Documents that another hand put into the index, with ids that no record of ours can have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest
from sqlalchemy import Integer, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.convergence.executor import await_tasks
from scrypath_celery.ledger import indexes, works
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import OPEN, State
from tests.deadline import eventually

pytestmark = pytest.mark.one_database

FOREIGN: list[int | str] = [
    5_000_000_000,
    -5_000_000_000,
    9_223_372_036_854_775_807,
    12_345_678_901_234_567_890,
    "abc",
    "007",
    "1-2",
]
"""Beyond the column, beyond any column, and no numbers at all."""


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str] = mapped_column(String(50))


@contextmanager
def opened(url: str, engine: EngineUnderTest) -> Iterator[Scrypath]:
    database = create_engine(url)
    search = Scrypath(database=database, pause_max=0.2, backoff=0.01, **engine.options)
    search.schema(fields=["title"])(Post)
    Base.metadata.create_all(database)
    search.ledger.create_all()
    try:
        yield search
    finally:
        database.dispose()


def write(search: Scrypath, ids: range) -> None:
    with Session(search.ledger.database) as session:
        session.add_all([Post(id=number, title="a title") for number in ids])
        search.sync_records(list(session.new), session=session)
        session.commit()


def put(search: Scrypath, ids: list[int | str]) -> str:
    """Put documents of these ids into the index, as another application would; its uid in the engine."""
    uid = search.runtime.engine_uid("posts")
    body = orjson.dumps([{"id": id, "title": "a title"} for id in ids])
    task = search.runtime.engine.add(uid, body, key="id", token="another")
    await_tasks(search.runtime, [task])
    return uid


def documents(search: Scrypath, uid: str) -> set[str]:
    return {id for page in search.runtime.engine.ids(uid, "id") for id in page}


def settle(search: Scrypath) -> list[State]:
    """Run all work; the states of what is left."""

    def is_settled() -> bool:
        search.drain()
        return search.ledger.read(lambda tx: works.listed(tx, OPEN)) == []

    eventually(is_settled, what="all work is settled")
    row = search.ledger.read(lambda tx: indexes.get(tx, "posts"))
    assert row is not None
    assert row.pause is None
    return [work.state for work in search.ledger.read(lambda tx: works.listed(tx, [State.FAILED]))]


def test_a_search_skips_and_counts_them(database_url: str, scrypath_engine: EngineUnderTest) -> None:
    with opened(database_url, scrypath_engine) as search:
        write(search, range(1, 4))
        assert settle(search) == []
        put(search, FOREIGN)
        with Session(search.ledger.database) as session:
            found = search.search(Post, "title", session=session, per_page=50)
            assert {post.id for post in found.records} == {1, 2, 3}
            assert set(found.missing) == {str(id) for id in FOREIGN}
            assert found.total == 3 + len(FOREIGN)
            assert session.get(Post, 1) is not None  # the caller's transaction goes on


def test_a_backfill_takes_them_out_of_the_index(database_url: str, scrypath_engine: EngineUnderTest) -> None:
    with opened(database_url, scrypath_engine) as search:
        write(search, range(1, 4))
        assert settle(search) == []
        uid = put(search, FOREIGN)
        report = search.backfill(Post)
        assert (report.orphans, report.failed) == (len(FOREIGN), 0)
        assert settle(search) == []
        assert documents(search, uid) == {"1", "2", "3"}


@pytest.mark.parametrize("foreign", [5_000_000_000, -5_000_000_000, 9_223_372_036_854_775_807])
def test_a_deletion_by_such_an_id_holds_up_nothing(
    database_url: str, scrypath_engine: EngineUnderTest, foreign: int
) -> None:
    with opened(database_url, scrypath_engine) as search:
        write(search, range(1, 4))
        assert settle(search) == []
        uid = put(search, [foreign])
        search.delete_document(Post, foreign)
        write(search, range(4, 6))
        assert settle(search) == []
        assert documents(search, uid) == {"1", "2", "3", "4", "5"}
