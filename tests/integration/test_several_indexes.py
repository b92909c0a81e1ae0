"""Two indexes for one class: what is public, and what only the staff finds."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import Engine, String, create_engine, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from scrypath_celery import Scrypath
from scrypath_celery.errors import SchemaError
from scrypath_celery.ledger import sqlite, works
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import State
from tests.commands import invoke

PUBLIC, INTERNAL = "posts_public", "posts_internal"


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(100))
    notes: Mapped[str] = mapped_column(String(100), default="")
    is_public: Mapped[bool] = mapped_column(default=True)


def internal(post: Post) -> dict[str, Any]:
    """What the staff finds; notes of `crash` make no document."""
    if post.notes == "crash":
        raise ValueError(post.title)
    return {"title": post.title, "notes": post.notes}


@dataclass(frozen=True)
class Newsroom:
    """The application."""

    engine: Engine
    make: sessionmaker[Session]
    search: Scrypath

    def add(self, *posts: Post) -> None:
        """Insert posts and sync them, in one transaction."""
        with self.make.begin() as session:
            session.add_all(posts)
            self.search.sync_records(posts, session=session)

    def change(self, id: int, **values: Any) -> None:
        """Change a post and sync it."""
        with self.make.begin() as session:
            post = session.get_one(Post, id)
            for name, value in values.items():
                setattr(post, name, value)
            self.search.sync_record(post, session=session)

    def documents(self, schema: str) -> dict[int, Any]:
        """What an index holds, by id."""
        engine, uid = self.search.runtime.engine, self.search.runtime.uid_of(self.search.schemas.of(schema))
        found = engine.documents(uid) if engine.index(uid) is not None else ()
        return {one.pop("id"): one for one in map(dict, found)}

    def works(self) -> list[tuple[str, tuple[str, ...]]]:
        """Index and document ids of each work, the oldest first."""
        found = self.search.ledger.read(lambda tx: works.listed(tx, list(State)))
        return [(work.index_uid, work.ids) for work in found]


def opened(url: str, engine: EngineUnderTest) -> Newsroom:
    database = create_engine(url)
    if database.dialect.name == "sqlite":
        sqlite.configure(database)
    app = Celery("newsroom", broker="memory://", set_as_current=False)
    make = sessionmaker(database, expire_on_commit=False)
    search = Scrypath(app, database=make, max_attempts=1, **engine.options)
    search.schema(name=PUBLIC, fields=["title"], index_if="is_public")(Post)
    search.schema(name=INTERNAL, fields=["title", "notes"], filterable=["notes"], document=internal)(Post)
    Base.metadata.create_all(database)
    search.ledger.create_all()
    return Newsroom(database, make, search)


@pytest.fixture
def newsroom(sqlite_url: str, scrypath_engine: EngineUnderTest) -> Iterator[Newsroom]:
    found = opened(sqlite_url, scrypath_engine)
    yield found
    found.engine.dispose()


def test_a_call_beside_a_write_reaches_both_indexes(newsroom: Newsroom) -> None:
    newsroom.add(Post(id=1, title="one", notes="a"), Post(id=2, title="two", is_public=False))
    newsroom.search.drain()
    assert newsroom.documents(PUBLIC) == {1: {"title": "one"}}
    assert newsroom.documents(INTERNAL) == {1: {"title": "one", "notes": "a"}, 2: {"title": "two", "notes": ""}}


def test_a_change_may_take_a_record_from_one_index_and_not_from_the_other(newsroom: Newsroom) -> None:
    newsroom.add(Post(id=1, title="one"))
    newsroom.search.drain()
    newsroom.change(1, is_public=False, notes="withdrawn")
    newsroom.search.drain()
    assert newsroom.documents(PUBLIC) == {}
    assert newsroom.documents(INTERNAL) == {1: {"title": "one", "notes": "withdrawn"}}


def test_tracking_writes_for_those_indexes_whose_documents_change(newsroom: Newsroom) -> None:
    newsroom.search.track(newsroom.make)
    with newsroom.make.begin() as session:
        session.add(Post(id=1, title="one"))
    with newsroom.make.begin() as session:
        session.get_one(Post, 1).notes = "a"
    with newsroom.make.begin() as session:
        session.execute(update(Post).values(notes="b"))
    newsroom.search.untrack(newsroom.make)
    assert newsroom.works()[:3] == [(PUBLIC, ("1",)), (INTERNAL, ("1",)), (INTERNAL, ("1",))]
    newsroom.search.drain()
    assert newsroom.documents(INTERNAL) == {1: {"title": "one", "notes": "b"}}


def test_calls_may_name_one_of_the_indexes(newsroom: Newsroom) -> None:
    with newsroom.make.begin() as session:
        post = Post(id=1, title="one")
        session.add(post)
        newsroom.search.sync_record(post, schema=INTERNAL)
    newsroom.search.delete_record(post, session=None, schema=PUBLIC)
    newsroom.search.delete_document(INTERNAL, 7)
    newsroom.search.delete_document(Post, 8)
    named = [(INTERNAL, ("1",)), (PUBLIC, ("1",)), (INTERNAL, ("7",))]
    assert newsroom.works() == [*named, (PUBLIC, ("8",)), (INTERNAL, ("8",))]
    with pytest.raises(SchemaError, match=rf"Post has no schema 'post': its schemas are {PUBLIC}, {INTERNAL}$"):
        newsroom.search.sync_record(post, schema="post")


def test_a_failure_in_one_index_does_not_stop_the_other(newsroom: Newsroom) -> None:
    newsroom.add(Post(id=1, title="one", notes="crash"), Post(id=2, title="two"))
    newsroom.search.drain()
    assert newsroom.documents(PUBLIC) == {1: {"title": "one"}, 2: {"title": "two"}}
    assert newsroom.documents(INTERNAL) == {2: {"title": "two", "notes": ""}}
    failed = newsroom.search.failed_sync_work()
    assert [(work.schema, work.document_ids) for work in failed.works] == [(INTERNAL, ("1",))]
    assert failed.works[0].reason.startswith(f"{INTERNAL} 1: ")
    assert newsroom.search.failed_sync_work(PUBLIC).total == 0


def test_works_of_a_class_are_those_of_all_its_schemas(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.add(Post(id=1, title="one", notes="crash"), Post(id=2, title="two"))
    newsroom.search.drain()
    module = ModuleType("the_newsroom")
    module.app = newsroom.search.celery_app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "the_newsroom", module)

    def run(*arguments: str) -> Any:
        return json.loads(invoke("-A", "the_newsroom", *arguments, "--json").stdout)

    dead = newsroom.search.failed_sync_work(Post)
    assert [work.schema for work in dead.works] == [INTERNAL]
    assert newsroom.search.failed(Post).total == newsroom.search.works(Post).total == 1
    assert [work["schema"] for work in run("failed", "Post")["works"]] == [INTERNAL]
    assert [work["schema"] for work in run("work", "list", "Post")["works"]] == [INTERNAL]
    assert newsroom.search.retry(Post, all=True, dry_run=True).matching == 1
    assert newsroom.search.retry(PUBLIC, all=True, dry_run=True).matching == 0
    assert run("retry", "Post", "--all")["done"] == [dead.works[0].id]
    newsroom.search.drain()
    assert run("cancel", "Post", "--id", str(dead.works[0].id))["id"] == dead.works[0].id


def test_a_reindex_of_one_leaves_the_other_alone(newsroom: Newsroom) -> None:
    newsroom.add(Post(id=1, title="one"))
    newsroom.search.drain()
    engine, uid = newsroom.search.runtime.engine, newsroom.search.runtime.uid_of(newsroom.search.schemas.of(PUBLIC))
    before = engine.index(uid)
    with newsroom.make.begin() as session:
        session.execute(update(Post).values(title="uno"))
    assert newsroom.search.reindex(INTERNAL).cut_over
    assert [rebuild.schema for rebuild in newsroom.search.rebuilds(Post)] == [INTERNAL]
    assert newsroom.documents(INTERNAL) == {1: {"title": "uno", "notes": ""}}
    assert newsroom.documents(PUBLIC) == {1: {"title": "one"}}
    after = engine.index(uid)
    assert before is not None
    assert after is not None
    assert after["createdAt"] == before["createdAt"]


def test_each_index_is_searched_and_its_records_are_read(newsroom: Newsroom) -> None:
    newsroom.add(Post(id=1, title="kettle", notes="red"), Post(id=2, title="kettle", is_public=False))
    newsroom.search.drain()
    search = newsroom.search
    with newsroom.make() as session:
        public = search.search(PUBLIC, "kettle", session=session)
        internal = search.search(INTERNAL, "kettle", session=session, sort=None, filter={"notes": "red"})
        assert (public.schema, [post.id for post in public]) == (PUBLIC, [1])
        assert (internal.schema, internal[0]) == (INTERNAL, session.get_one(Post, 1))
        native = search.meilisearch.index(INTERNAL).search("kettle")
        assert {post.id for post in search.hydrate(INTERNAL, native, session=session)} == {1, 2}
        many = search.search_many([(PUBLIC, "kettle"), (INTERNAL, "kettle")], session=session)
        assert [(one.schema, one.total) for one in many.ordered] == [(PUBLIC, 1), (INTERNAL, 2)]
        assert many.of(INTERNAL) is many.ordered[1]
        merged = search.search_many([(PUBLIC, "kettle"), (INTERNAL, "kettle")], session=session, federated=True)
        assert {(hit.schema, hit.record.id) for hit in merged.hits} == {(PUBLIC, 1), (INTERNAL, 1), (INTERNAL, 2)}
        with pytest.raises(SchemaError, match=f"^Post has several search schemas: name one of {PUBLIC}, {INTERNAL}$"):
            search.search(Post, "kettle", session=session)


def test_reports_name_the_schema(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    newsroom.add(Post(id=1, title="one"))
    newsroom.search.drain()
    assert [one.schema for one in newsroom.search.sync_status(Post).indexes] == [PUBLIC, INTERNAL]
    assert newsroom.search.verify(INTERNAL).schema == INTERNAL
    module = ModuleType("the_newsroom")
    module.app = newsroom.search.celery_app  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "the_newsroom", module)

    def run(*arguments: str) -> Any:
        return invoke("-A", "the_newsroom", *arguments)

    status = json.loads(run("status", "Post", "--json").stdout)
    assert [one["schema"] for one in status["indexes"]] == [PUBLIC, INTERNAL]
    assert run("verify", INTERNAL).exit_code == 0
    refused = run("verify", "Post")
    assert refused.stderr == f"Error: Post has several search schemas: name one of {PUBLIC}, {INTERNAL}\n"
    assert refused.exit_code == 1


def test_triggers_write_for_every_index(database_url: str, scrypath_engine: EngineUnderTest) -> None:
    newsroom = opened(database_url, scrypath_engine)
    triggers = newsroom.search.ledger.triggers(Post)
    assert [one.schema for one in triggers.install()] == [PUBLIC, INTERNAL]
    assert {one.state for one in triggers.status()} == {"installed"}
    with newsroom.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO post (id, title, notes, is_public) VALUES (1, 'one', 'a', true)")
    newsroom.search.drain()
    with newsroom.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE post SET is_public = false, notes = 'b' WHERE id = 1")
    newsroom.search.drain()
    assert (newsroom.documents(PUBLIC), newsroom.documents(INTERNAL)) == ({}, {1: {"title": "one", "notes": "b"}})
    newsroom.search.ledger.triggers(PUBLIC).remove()
    assert {(one.schema, one.state.value) for one in triggers.status()} == {
        (PUBLIC, "missing"),
        (INTERNAL, "installed"),
    }
    newsroom.engine.dispose()
