"""The sessions that calls join: their databases, their connections, their ends."""

from __future__ import annotations

import gc
import logging
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, registry, sessionmaker

from scrypath_celery.errors import SessionError, WrongDatabase
from scrypath_celery.ledger import Ledger
from scrypath_celery.ledger.sqlite import configure
from tests.blog import Base, Blog, Post, open_blog


def test_a_session_on_another_database_is_refused_by_name_at_the_call(blog: Blog, tmp_path: Any) -> None:
    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    Base.metadata.create_all(other)
    for make_ledger in (False, True):
        if make_ledger:
            Ledger(lambda: other).create_all()
        with Session(other) as session:
            session.add(post := Post(title="one"))
            with pytest.raises(SessionError, match=r"other\.db") as caught:
                blog.capture.sync_record(post, session=session)
            assert isinstance(caught.value, WrongDatabase)
            session.commit()
    other.dispose()


def test_another_engine_on_the_same_database_is_admitted(blog: Blog) -> None:
    second = create_engine(blog.engine.url, connect_args={"timeout": 1})
    with Session(second) as session:
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session)
        session.commit()
    second.dispose()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_the_work_is_written_on_the_bind_of_its_record(blog: Blog) -> None:
    elsewhere = create_engine("sqlite://")
    other = registry()
    maker = sessionmaker(elsewhere, binds={Base: blog.engine})
    with maker() as session:
        session.execute(text("SELECT 1"))
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session)
        session.commit()
    other.dispose()
    elsewhere.dispose()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_a_session_within_an_outer_transaction_writes_into_it(blog: Blog) -> None:
    blog.engine.dispose()
    configure(blog.engine)
    with blog.engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session)
            session.commit()
            assert blog.visible(session) == [["1"]]
        assert result.state == "accepted"
        outer.rollback()
    assert blog.works() == []


def test_a_flush_alone_writes_where_the_session_does_not_own_its_transaction(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.engine.begin() as connection, Session(connection) as session:
        post = session.get_one(Post, 1)
        post.title = "two"
        blog.capture.sync_record(post)
        session.flush()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_an_error_after_the_commit_never_leaves_it(blog: Blog, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(uid: str, ids: tuple[int, ...], **about: object) -> None:
        raise RuntimeError("amqp://user:secret@host")

    blog.runtime = type(blog.runtime)(**{**vars(blog.runtime), "publish": refuse})
    with blog.make() as session, caplog.at_level(logging.WARNING):
        session.add(post := Post(title="one"))
        result = blog.capture.sync_record(post, session=session)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]
    assert result.state == "accepted"
    assert "RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_what_stops_the_process_is_not_held_up(blog: Blog) -> None:
    def interrupt(uid: str, ids: tuple[int, ...], **about: object) -> None:
        raise KeyboardInterrupt

    blog.runtime = type(blog.runtime)(**{**vars(blog.runtime), "publish": interrupt})
    with blog.make() as session:
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session)
        with pytest.raises(KeyboardInterrupt):
            session.commit()


def test_a_session_that_registers_nothing_writes_nothing(blog: Blog) -> None:
    with blog.make.begin() as session, blog.make.begin() as other:
        session.add(Post(title="one"))
        other.get(Post, 1)
    assert blog.works() == []


def test_sessions_that_registered_are_not_kept_alive(blog: Blog) -> None:
    from sqlalchemy.event import registry as events

    def once() -> None:
        with blog.make() as session:
            session.add(post := Post(title="one"))
            blog.capture.sync_record(post, session=session)
            session.commit()

    once()
    gc.collect()
    before = len(events._key_to_collection)
    for _ in range(20):
        once()
    gc.collect()
    assert len(events._key_to_collection) <= before


def test_a_session_may_be_used_again_after_its_commit(blog: Blog) -> None:
    with blog.make() as session:
        for number in (1, 2):
            session.add(post := Post(title=str(number)))
            blog.capture.sync_record(post, session=session)
            session.commit()
    assert blog.works() == [("post", "upsert", ["1"]), ("post", "upsert", ["2"])]
    assert blog.published == [("post", (1,)), ("post", (2,))]


def test_the_ledger_row_names_no_values(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="a private title"))
        blog.capture.sync_record(post, session=session)
        session.commit()
    with blog.engine.connect() as connection:
        row = connection.execute(text("SELECT * FROM scrypath_work")).one()
    assert "private" not in str(row)


def test_in_memory_databases_work(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = open_blog("sqlite://")
    with memory.make() as session:
        session.add(post := Post(title="one"))
        memory.capture.sync_record(post, session=session)
        session.commit()
    assert memory.works() == [("post", "upsert", ["1"])]
    memory.engine.dispose()


OWNERS: dict[str, tuple[bool, str, str]] = {
    "commits what the session began": (False, "accepted", "1"),
    "commits before it closes": (True, "accepted", "1"),
    "commits after it closed": (True, "deferred", "1"),
    "rolls back": (True, "deferred", ""),
}


@pytest.mark.parametrize("owner", OWNERS)
def test_a_session_that_leaves_its_transaction_to_the_owner_discards_nothing(
    blog: Blog, owner: str, caplog: pytest.LogCaptureFixture
) -> None:
    begun, state, written = OWNERS[owner]
    blog.add(Post(title="one"))
    with caplog.at_level(logging.WARNING, "scrypath_celery"), blog.engine.connect() as connection:
        if begun:
            connection.begin()
        session = Session(connection)
        result = blog.capture.sync_record(session.get_one(Post, 1), session=session)
        session.flush()
        blog.capture.delete_document(Post, 1, session=session)
        session.get_one(Post, 1).title = "changed"
        session.flush()
        if owner in ("commits what the session began", "commits before it closes"):
            connection.commit()
        session.close()
        if owner == "commits after it closed":
            connection.commit()
    assert (result.state, caplog.messages) == (state, [])
    assert {id for _, _, ids in blog.works() for id in ids} == set(written)
    assert bool(blog.published) == (state == "accepted")


def test_what_a_session_closes_in_a_savepoint_of_its_own_is_discarded(
    blog: Blog, caplog: pytest.LogCaptureFixture
) -> None:
    blog.add(Post(title="one"))
    with caplog.at_level(logging.WARNING, "scrypath_celery"), blog.engine.connect() as connection:
        connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            result = blog.capture.sync_record(session.get_one(Post, 1))
            session.get_one(Post, 1).title = "changed"
            session.flush()
        connection.commit()
    assert (result.state, len(caplog.messages), blog.works()) == ("discarded", 1, [])


def test_what_the_owner_rolled_back_before_the_next_change_is_discarded(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.engine.connect() as connection, Session(connection) as session:
        post = session.get_one(Post, 1)
        results = []
        for end in (connection.rollback, connection.commit):
            post.title += "!"
            results.append(blog.capture.sync_record(post, session=session))
            session.flush()
            end()
    assert [result.state for result in results] == ["discarded", "accepted"]
    assert [ids for _, _, ids in blog.works()] == [["1"]]
