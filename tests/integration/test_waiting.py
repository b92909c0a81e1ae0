"""Waiting for what a call wrote: until it is searchable, or as long as one likes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import create_engine, delete, update
from sqlalchemy.orm import Session, sessionmaker

from scrypath_celery import Scrypath, SyncResult
from scrypath_celery.arguments import SyncMode
from scrypath_celery.capture.inline import drain
from scrypath_celery.capture.result import ResultState
from scrypath_celery.errors import ConfigError, SessionError
from scrypath_celery.ledger.tables import work
from scrypath_celery.testing.engine import EngineUnderTest
from tests.blog import Blog, Post, open_blog
from tests.integration.triggers.library import Base, Book


@pytest.fixture
def blog(sqlite_url: str) -> Iterator[Blog]:
    """A blog that nobody runs the works of."""
    blog = open_blog(sqlite_url)
    yield blog
    blog.engine.dispose()


def written(blog: Blog) -> SyncResult:
    with blog.make() as session:
        session.add(post := Post(id=1, title="one"))
        result = blog.capture.sync_record(post, session=session)
        session.commit()
    return result


def test_a_call_waits_until_a_worker_has_made_it_searchable(blog: Blog) -> None:
    result = written(blog)
    worker = Thread(target=drain, args=(blog.runtime,))
    worker.start()
    assert result.wait(30).state is ResultState.COMPLETED
    assert blog.index.indexes["post"]["1"]["title"] == "one"
    worker.join()


def test_what_is_not_searchable_in_time_says_so_and_may_be_waited_for_again(blog: Blog) -> None:
    result = written(blog)
    assert result.wait(0).state is ResultState.ACCEPTED
    drain(blog.runtime)
    assert result.wait(0).state is ResultState.COMPLETED


@pytest.mark.parametrize("seconds", ["1", -1, float("nan")])
def test_a_wait_that_is_no_time_is_refused(blog: Blog, seconds: Any) -> None:
    with pytest.raises(ConfigError, match="number of seconds"):
        written(blog).wait(seconds)


@pytest.mark.parametrize(("state", "reason"), [("failed", "source"), ("cancelled", "cancelled")])
def test_what_was_given_up_ends_the_wait(blog: Blog, state: str, reason: str) -> None:
    result = written(blog)
    with blog.engine.begin() as connection:
        connection.execute(update(work).values(state=state, reason_class="source" if state == "failed" else None))
    assert (result.wait(30).state, result.reason) == (ResultState.FAILED, reason)


def test_what_the_ledger_has_forgotten_is_not_waited_for(blog: Blog) -> None:
    result = written(blog)
    with blog.engine.begin() as connection:
        connection.execute(delete(work))
    assert (result.wait().state, result.reason) == ("accepted", "pruned")


def test_what_an_outer_transaction_has_not_committed_yet_is_still_waited_for(blog: Blog) -> None:
    with blog.engine.connect() as connection, connection.begin() as outer:
        with blog.make(bind=connection) as session:
            session.add(post := Post(id=1, title="one"))
            result = blog.capture.sync_record(post, session=session)
            session.commit()
        assert (result.wait(0).state, result.reason) == ("accepted", None)
        outer.commit()
    drain(blog.runtime)
    assert result.wait(0).state is ResultState.COMPLETED


def test_a_call_whose_transaction_is_open_cannot_be_waited_for(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        result = blog.capture.sync_record(post, session=session)
        with pytest.raises(SessionError, match="after the commit"):
            result.wait(1)


def test_within_an_event_loop_the_wait_is_awaited_and_the_loop_goes_on(blog: Blog) -> None:
    async def story() -> ResultState:
        result = written(blog)
        working = asyncio.create_task(asyncio.to_thread(drain, blog.runtime))
        state = (await result.wait(30)).state
        await working
        return state

    assert asyncio.run(story()) is ResultState.COMPLETED


@pytest.mark.parametrize(("sync_mode", "current"), [("inline", True), ("celery", False)])
def test_a_search_comes_after_a_write_or_says_that_it_does_not(
    tmp_path: Path, scrypath_engine: EngineUnderTest, sync_mode: SyncMode, current: bool
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'books.db'}")
    make = sessionmaker(engine)
    search = Scrypath(None, database=make, sync_mode="inline", **scrypath_engine.options)
    search.schema(fields=["title"])(Book)
    Base.metadata.create_all(engine)
    search.ledger.create_all()

    def add(session: Session, id: int, mode: SyncMode) -> SyncResult:
        session.add(book := Book(id=id, title="kettle"))
        result = search.sync_record(book, session=session, sync_mode=mode)
        session.commit()
        return result

    with make() as session:
        add(session, 1, "inline")
        result = add(session, 2, sync_mode)
        found = search.search(Book, "kettle", session=session, after=result, after_seconds=0.05)
        assert found.is_current is current
        assert sorted(book.id for book in found) == ([1, 2] if current else [1])
        assert search.search(Book, "kettle", session=session).is_current is None
        with pytest.raises(ConfigError, match="gave back, not a Book"):
            search.search(Book, "kettle", session=session, after=Book())  # type: ignore[arg-type]
    engine.dispose()
