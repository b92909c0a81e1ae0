"""Calls from the application's own session and mapper events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker

from scrypath_celery.arguments import SyncMode
from scrypath_celery.capture.result import SyncResult
from scrypath_celery.errors import SessionError
from tests.blog import Blog, Page, Post

Listen = Callable[..., None]

SESSION_EVENTS = ["before_flush", "after_flush", "after_flush_postexec", "before_commit"]
MAPPER_EVENTS = ["before_insert", "after_insert", "before_update", "after_update", "before_delete", "after_delete"]


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Listen, until the end of the test."""
    known: list[tuple[Any, str, Any]] = []

    def add(target: Any, name: str, function: Any) -> None:
        event.listen(target, name, function)
        known.append((target, name, function))

    yield add
    for target, name, function in known:
        event.remove(target, name, function)


def change(session: Session) -> None:
    """Insert, update and delete."""
    with session.no_autoflush:
        session.add(Post(id=3, title="new"))
        session.get_one(Post, 1).title = "changed"
        session.delete(session.get_one(Post, 2))


def ids(blog: Blog) -> set[str]:
    return {id for _, _, written in blog.works() for id in written}


@pytest.mark.parametrize("on_instance", [False, True], ids=["the session's class", "the session itself"])
@pytest.mark.parametrize("name", SESSION_EVENTS)
def test_a_call_in_any_event_of_the_session_joins_its_transaction(
    blog: Blog, listen: Listen, name: str, on_instance: bool
) -> None:
    blog.add(Post(title="one"), Post(title="two"))

    def call(session: Session, *_: Any) -> None:
        for record in (*session.new, *session.dirty):
            blog.capture.sync_record(record, session=session)
        for record in session.deleted:
            blog.capture.delete_record(record, session=session)

    class Own(Session):
        pass

    make = sessionmaker(blog.engine, class_=Own)
    changed: list[Any] = []
    if name == "after_flush_postexec":  # the session has forgotten by then what was changed

        def note(session: Session, *_: Any) -> None:
            changed.extend((*session.new, *session.dirty, *session.deleted))

        listen(Own, "before_flush", note)

        def call(session: Session, *_: Any) -> None:
            blog.capture.sync_records(changed, session=session)

    with make() as session:
        listen(session if on_instance else Own, name, call)
        change(session)
        session.commit()
    assert ids(blog) == {"1", "2", "3"}


@pytest.mark.parametrize("name", SESSION_EVENTS)
def test_a_call_in_an_event_that_was_listened_to_before_is_written(blog: Blog, listen: Listen, name: str) -> None:
    blog.add(Post(title="one"))
    results: list[SyncResult] = []

    def call(session: Session, *_: Any) -> None:
        results.append(blog.capture.delete_document(Post, 7, session=session))

    make = sessionmaker(blog.engine)
    listen(make, name, call)
    with make.begin() as session:
        session.get_one(Post, 1).title = "changed"
    assert ids(blog) == {"7"}
    assert {result.state for result in results} == {"accepted"}


@pytest.mark.parametrize("mode", ["celery", "inline", "manual"])
@pytest.mark.parametrize("name", MAPPER_EVENTS)
def test_a_call_in_any_event_of_the_mapper_joins_its_transaction(
    blog: Blog, listen: Listen, name: str, mode: SyncMode
) -> None:
    blog.add(Post(title="one"), Post(title="two"))
    wanted = {"insert": "3", "update": "1", "delete": "2"}[name.partition("_")[2]]
    call = blog.capture.delete_record if name.endswith("delete") else blog.capture.sync_record
    results: list[SyncResult] = []
    listen(Post, name, lambda mapper, connection, record: results.append(call(record, sync_mode=mode)))
    with blog.make() as session:
        change(session)
        session.commit()
    assert ids(blog) == {wanted}
    assert results[0].work_ids


def test_each_commit_of_one_session_is_captured(blog: Blog, listen: Listen) -> None:
    blog.add(*(Post(title=str(number)) for number in range(3)))
    listen(Post, "after_update", lambda mapper, connection, record: blog.capture.sync_record(record))
    with blog.make() as session:
        for id in (1, 2, 3):
            session.get_one(Post, id).title = "changed"
            session.commit()
    assert [written for _, _, written in blog.works()] == [["1"], ["2"], ["3"]]


def test_a_call_in_an_event_of_a_mapper_is_rolled_back_with_its_savepoint(blog: Blog, listen: Listen) -> None:
    blog.add(Post(title="one"), Post(title="two"))
    listen(Post, "after_update", lambda mapper, connection, record: blog.capture.sync_record(record))
    with blog.make.begin() as session:
        with session.begin_nested() as savepoint:
            session.get_one(Post, 1).title = "changed"
            session.flush()
            savepoint.rollback()
        session.get_one(Post, 2).title = "changed"
    assert ids(blog) == {"2"}


def test_a_record_whose_old_id_is_not_loaded_is_named_by_both_in_before_flush(blog: Blog, listen: Listen) -> None:
    blog.add(Page(slug="old"))

    def call(session: Session, *_: Any) -> None:
        blog.capture.sync_records(session.dirty, session=session)

    listen(blog.make, "before_flush", call)
    with blog.make() as session:
        page = session.get_one(Page, 1)
        session.expire(page)
        page.slug = "new"
        session.commit()
    assert ids(blog) == {"old", "new"}


def test_an_async_session_is_captured_in_events_too(blog: Blog, listen: Listen) -> None:
    blog.add(Post(title="one"))
    listen(Post, "after_update", lambda mapper, connection, record: blog.capture.sync_record(record))

    async def story() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{blog.engine.url.database}")
        async with async_sessionmaker(engine).begin() as session:
            (await session.get_one(Post, 1)).title = "changed"
        await engine.dispose()

    asyncio.run(story())
    assert ids(blog) == {"1"}


def test_a_call_in_after_commit_is_refused_with_what_to_do(blog: Blog, listen: Listen) -> None:
    blog.add(Post(title="one"))
    changed: list[Any] = []
    listen(blog.make, "before_commit", lambda session: changed.extend(session.dirty))
    listen(blog.make, "after_commit", lambda session: blog.capture.sync_records(changed, session=session))
    with blog.make() as session:
        session.get_one(Post, 1).title = "changed"
        with pytest.raises(SessionError, match="before the commit"):
            session.commit()


def test_a_call_after_the_commit_is_refused_with_what_to_do(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        session.commit()
        with pytest.raises(SessionError, match="before the commit"):
            blog.capture.sync_record(post)
        session.begin()
        blog.capture.sync_record(post)
        session.commit()
    assert ids(blog) == {"1"}


def test_what_ends_without_a_commit_is_logged_once(blog: Blog, caplog: pytest.LogCaptureFixture) -> None:
    blog.add(Post(title="one"))
    with caplog.at_level(logging.WARNING, "scrypath_celery"), blog.make() as session:
        blog.capture.sync_record(session.get_one(Post, 1))
    assert [record.getMessage() for record in caplog.records] == [
        "a registration of Post is discarded: its transaction ended without a commit of the session"
    ]


def test_what_is_rolled_back_is_not_logged(blog: Blog, caplog: pytest.LogCaptureFixture) -> None:
    blog.add(Post(title="one"))
    with caplog.at_level(logging.WARNING, "scrypath_celery"), blog.make() as session:
        result = blog.capture.sync_record(session.get_one(Post, 1))
        session.rollback()
    assert (result.state, caplog.records) == ("discarded", [])


def test_a_second_change_after_the_owners_commit_is_written_too(blog: Blog) -> None:
    blog.add(Post(title="v0"))
    with blog.engine.connect() as connection, Session(connection) as session:
        post = session.get_one(Post, 1)
        for version in ("v1", "v2", "v3"):
            post.title = version
            blog.capture.sync_record(post, session=session)
            session.flush()
            connection.commit()
    assert [written for _, _, written in blog.works()] == [["1"], ["1"], ["1"]]
