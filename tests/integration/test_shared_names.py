"""Two applications whose prefix and index make one name: the second is refused, and the first goes on."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.errors import IndexTaken
from scrypath_celery.testing.engine import EngineUnderTest


class Base(DeclarativeBase):
    """The models."""


class Post(Base):
    """A record."""

    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


Open = Callable[..., Scrypath]
PREFIX = f"c{secrets.token_hex(4)}"


@pytest.fixture
def open_one(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Open]:
    """Open an application on a database (a file's name), with a prefix and an index."""
    with ExitStack() as stack:

        def opened(file: str, prefix: str, index: str) -> Scrypath:
            database = create_engine(f"sqlite:///{tmp_path / file}")
            stack.callback(database.dispose)
            search = Scrypath(database=database, **{**scrypath_engine.options, "index_prefix": prefix})
            search.schema(fields=["title"], index=index)(Post)
            Base.metadata.create_all(database)
            search.ledger.create_all()
            return search

        yield opened


def write(search: Scrypath, *ids: int) -> None:
    with Session(search.ledger.database) as session:
        session.add_all([Post(id=id, title="a title") for id in ids])
        search.sync_records(list(session.new), session=session)
        session.commit()
    search.drain()


def documents(search: Scrypath) -> set[int]:
    runtime = search.runtime
    return {one["id"] for one in runtime.engine.documents(runtime.uid_of(search.schemas.of(Post)))}


def pause(search: Scrypath) -> str | None:
    found = search.sync_status(Post).indexes[0].pause
    return None if found is None else found.reason


@pytest.mark.parametrize("second", ["second.db", "first.db"])
def test_the_second_application_is_refused_and_writes_nothing(open_one: Open, second: str) -> None:
    first = open_one("first.db", PREFIX, "a_posts")
    write(first, 1, 2, 3)
    other = open_one(second, f"{PREFIX}_a", "posts")
    write(other, 11, 12)
    assert documents(first) == {1, 2, 3}
    assert f"{PREFIX}_a_posts" in (pause(other) or "")
    assert "index_prefix" in (pause(other) or "")
    with pytest.raises(IndexTaken):
        other.settings_apply(Post)
    write(first, 4)
    assert documents(first) == {1, 2, 3, 4}
    assert pause(first) is None
    assert [action.name for action in other.reconcile_sync(Post).indexes[0].actions][:1] == ["rename"]


def test_a_shared_ledger_refuses_a_reindex_too(open_one: Open) -> None:
    write(open_one("first.db", PREFIX, "a_posts"), 1)
    with pytest.raises(IndexTaken):
        open_one("first.db", f"{PREFIX}_a", "posts").reindex(Post, sync_mode="inline")


def test_a_reindex_takes_over_the_index_of_an_application_that_is_gone(open_one: Open) -> None:
    write(open_one("gone.db", PREFIX, "posts"), 1, 2)
    heir = open_one("heir.db", PREFIX, "posts")
    write(heir, 7)
    assert pause(heir) is not None
    assert heir.reindex(Post, allow_shrink=True, sync_mode="inline").cut_over
    write(heir, 8)
    assert documents(heir) == {7, 8}


def test_an_index_that_was_made_anew_since_is_nobodys(open_one: Open) -> None:
    gone = open_one("gone.db", PREFIX, "posts")
    write(gone, 1)
    gone.meilisearch.index(Post).delete()
    write(heir := open_one("heir.db", PREFIX, "posts"), 7)
    assert documents(heir) == {7}


def test_an_index_that_tasks_of_ones_own_fill_is_taken_as_it_is(open_one: Open) -> None:
    search = open_one("first.db", PREFIX, "posts")
    search.meilisearch.index(Post).add_documents([{"id": 5, "title": "by hand"}], "id")
    write(search, 1)
    assert documents(search) == {1, 5}
