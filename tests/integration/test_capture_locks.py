"""Calls without a session beside one that is open on SQLite, which has one writer at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import StaticPool, event
from sqlalchemy.orm import Session

from scrypath_celery.errors import LedgerLocked
from scrypath_celery.ledger.sqlite import BUSY_MILLISECONDS, configure
from tests.blog import Blog, Post, open_blog

Call = Callable[[Blog], Any]

CALLS: dict[str, Call] = {
    "an id": lambda blog: blog.capture.delete_document(Post, 9),
    "a detached record": lambda blog: blog.capture.sync_record(detached(blog)),
    "the ledger itself": lambda blog: blog.runtime.ledger.run(lambda connection: None),
}


def detached(blog: Blog) -> Post:
    with blog.make() as session:
        session.connection(execution_options={"sqlite_begin": "DEFERRED"})
        return session.get_one(Post, 1)


def write(session: Session) -> None:
    session.get_one(Post, 1).title = "changed"
    session.flush()


@pytest.fixture(params=["configured", "plain", "in memory"])
def locked(request: pytest.FixtureRequest, sqlite_url: str) -> Iterator[Blog]:
    """A blog with one post in each kind of SQLite."""
    kind = request.param
    opened = open_blog("sqlite://", poolclass=StaticPool) if kind == "in memory" else open_blog(sqlite_url)
    if kind == "configured":
        opened.engine.dispose()
        configure(opened.engine)
    opened.add(Post(title="one"))
    yield opened
    opened.engine.dispose()


@pytest.mark.parametrize("name", ["an id", "the ledger itself"])
def test_a_thread_that_would_wait_for_its_own_transaction_is_told_at_once(locked: Blog, name: str) -> None:
    with locked.make() as session:
        write(session)
        began = time.monotonic()
        with pytest.raises(LedgerLocked, match="session="):
            CALLS[name](locked)
        assert time.monotonic() - began < 3
        session.commit()
    with locked.make() as session:
        assert session.get_one(Post, 1).title == "changed"
    CALLS[name](locked)


@pytest.mark.parametrize("name", ["an id", "a detached record"])
def test_a_configured_session_that_only_reads_blocks_its_own_thread_too(sqlite_url: str, name: str) -> None:
    blog = open_blog(sqlite_url)
    blog.engine.dispose()
    configure(blog.engine)
    blog.add(Post(title="one"))
    with blog.make() as session:
        session.get_one(Post, 1)
        with pytest.raises(LedgerLocked):
            CALLS[name](blog)
        blog.capture.delete_document(Post, 9, session=session)
        session.commit()
    assert [written for _, _, written in blog.works()] == [["9"]]
    blog.engine.dispose()


def test_a_session_that_reads_deferred_is_no_hindrance(sqlite_url: str) -> None:
    blog = open_blog(sqlite_url)
    blog.engine.dispose()
    configure(blog.engine)
    blog.add(Post(title="one"))
    with blog.make() as session:
        session.connection(execution_options={"sqlite_begin": "DEFERRED"})
        session.get_one(Post, 1)
        blog.capture.delete_document(Post, 9)
    assert [written for _, _, written in blog.works()] == [["9"]]
    blog.engine.dispose()


def test_another_threads_transaction_is_waited_for(sqlite_url: str) -> None:
    blog = open_blog(sqlite_url)
    blog.engine.dispose()
    configure(blog.engine)
    blog.add(Post(title="one"))
    holds, asked, waits = threading.Barrier(2), threading.Event(), list[int]()

    def hold() -> None:
        with blog.make() as session:
            write(session)
            holds.wait()
            asked.wait(10)
            session.commit()

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait()

    @event.listens_for(blog.engine, "before_cursor_execute")
    def ask(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement == "BEGIN IMMEDIATE" and not asked.is_set():
            waits.append(cursor.connection.execute("PRAGMA busy_timeout").fetchone()[0])
            asked.set()

    blog.capture.delete_document(Post, 9)
    thread.join()
    assert waits == [BUSY_MILLISECONDS]  # what a thread waits for itself is shorter
    assert [written for _, _, written in blog.works()] == [["9"]]
    blog.engine.dispose()
