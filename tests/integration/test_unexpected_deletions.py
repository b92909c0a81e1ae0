"""Workers that see too little: a claim that would empty the index pauses it, and `read_session=` gives them sight."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker, with_loader_criteria

from scrypath_celery import Scrypath
from scrypath_celery.testing.engine import EngineUnderTest


class Base(DeclarativeBase):
    """The models."""


class Letter(Base):
    """A record of one tenant."""

    __tablename__ = "letter"
    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[int]
    sent: Mapped[bool] = mapped_column(default=True)

    @property
    def text(self) -> str:
        """What is searched."""
        return f"letter {self.id}"


class Post:
    """The letters of all tenants, and sessions that see one tenant's."""

    def __init__(self, url: str, engine: EngineUnderTest) -> None:
        self.database, self.engine = create_engine(url), engine
        self.All = sessionmaker(self.database)
        self.Scoped = sessionmaker(self.database)
        event.listen(self.Scoped, "do_orm_execute", self._scope)
        Base.metadata.create_all(self.database)

    @staticmethod
    def _scope(state: Any) -> None:
        if state.is_select:
            state.statement = state.statement.options(with_loader_criteria(Letter, Letter.tenant == 7))

    def open(self, *, index_if: Any = None, **options: Any) -> Scrypath:
        """A Scrypath whose sessions see the letters of tenant 7."""
        app = Celery("post", broker="redis://127.0.0.1:1/0", set_as_current=False)
        search = Scrypath(app, database=self.Scoped, **{**self.engine.options, **options})
        search.schema(fields=["text"], index_if=index_if)(Letter)
        search.ledger.create_all()
        return search

    def write(self, search: Scrypath, letters: list[Letter]) -> None:
        """Save and sync letters."""
        with self.All.begin() as session:
            session.add_all(letters)
            search.sync_records(letters, session=session)


@pytest.fixture
def post(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Post]:
    opened = Post(f"sqlite:///{tmp_path / 'post.db'}", scrypath_engine)
    yield opened
    opened.database.dispose()


def letters(count: int, tenant: int = 1, *, sent: bool = True) -> list[Letter]:
    return [Letter(tenant=tenant, sent=sent) for _ in range(count)]


def count_of(search: Scrypath) -> int:
    stats = search.runtime.engine.stats(search.runtime.uid_of(search.schemas.of(Letter))) or {}
    return int(stats.get("numberOfDocuments") or 0)


def test_many_records_that_the_workers_do_not_see_pause_the_index(post: Post) -> None:
    search = post.open()
    post.write(search, letters(101))
    search.drain()
    [one] = search.sync_status(Letter).indexes
    assert one.pause is not None
    assert "read_session=" in one.pause.reason
    assert one.queue.failed == 0


def test_a_session_that_sees_all_records_indexes_them(post: Post) -> None:
    search = post.open(read_session=post.All)
    post.write(search, letters(101))
    search.drain()
    assert count_of(search) == 101


def test_few_records_that_are_not_seen_are_deleted(post: Post) -> None:
    search = post.open()
    post.write(search, letters(100))
    search.drain()
    assert search.sync_status(Letter).indexes[0].pause is None


@pytest.mark.parametrize("index_if", ["sent", lambda letter: letter.sent])
def test_records_that_index_if_keeps_out_are_expected(post: Post, index_if: Any) -> None:
    search = post.open(index_if=index_if)
    post.write(search, letters(150, tenant=7, sent=False))
    search.drain()
    assert search.sync_status(Letter).indexes[0].pause is None


def test_records_that_were_deleted_by_call_are_expected(post: Post) -> None:
    search = post.open(read_session=post.All)
    written = letters(150)
    post.write(search, written)
    with post.All.begin() as session:
        for letter in written:
            search.delete_record(session.merge(letter), session=session)
            session.delete(session.merge(letter))
    search.drain()
    assert search.sync_status(Letter).indexes[0].pause is None
    assert count_of(search) == 0
