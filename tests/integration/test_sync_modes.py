"""What a call's result says in each mode, after the commit."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from scrypath_celery.errors import ConfigError, EngineUnreachable
from scrypath_celery.ledger.sqlite import configure
from tests.blog import Blog, Page, Post


def test_inline_has_the_document_in_the_index_when_the_commit_returns(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        result = blog.capture.sync_record(post, session=session, sync_mode="inline")
        session.flush()
        assert result.state == "deferred"
        assert blog.index.indexes == {}
        session.commit()
        assert (result.mode, result.state, result.reason) == ("inline", "completed", None)
    assert blog.index.indexes["post"]["1"]["title"] == "one"
    assert result.engine_task_uids
    assert blog.states() == ["succeeded"]
    assert blog.published == []


def test_manual_says_which_task_the_engine_accepted(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        result = blog.capture.sync_record(post, session=session, sync_mode="manual")
        session.commit()
    assert result.state in ("accepted", "completed")
    assert result.engine_task_uids
    assert blog.published == []


def test_an_engine_that_is_away_leaves_inline_work_to_a_worker(blog: Blog, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(index: str) -> None:
        raise EngineUnreachable("no answer came", sent=False)

    monkeypatch.setattr(blog.index, "index", away)
    with blog.make() as session:
        session.add(post := Post(title="one"))
        result = blog.capture.sync_record(post, session=session, sync_mode="inline")
        session.commit()
    assert (result.state, result.reason) == ("accepted", "transport")
    assert blog.states()[0] in ("pending", "retrying")


def test_a_document_that_cannot_be_projected_is_failed_work_and_no_error(blog: Blog) -> None:
    with blog.make() as session:
        session.add(page := Page(slug="not an id"))
        result = blog.capture.sync_record(page, session=session, sync_mode="inline")
        session.commit()
    assert (result.state, result.reason) == ("failed", "validation")
    assert blog.states() == ["failed"]


def test_a_deletion_whose_record_exists_says_so(blog: Blog) -> None:
    blog.add(Post(title="one"))
    result = blog.capture.delete_document(Post, 1, sync_mode="inline")
    assert (result.state, result.reason) == ("completed", "record_exists")
    assert "1" in blog.index.indexes["post"]
    with blog.make() as session:
        session.delete(post := session.get(Post, 1))
        gone = blog.capture.delete_record(post, sync_mode="inline")
        session.commit()
    assert (gone.state, gone.reason) == ("completed", None)
    assert blog.index.indexes["post"] == {}


def test_inline_runs_after_the_outermost_commit_alone(blog: Blog) -> None:
    with blog.make() as session:
        with session.begin_nested():
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session, sync_mode="inline")
        assert (result.state, blog.index.indexes) == ("deferred", {})
        session.commit()
    assert result.state == "completed"


def test_inline_runs_when_the_session_has_given_its_connection_back(
    blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = []
    event.listen(blog.engine, "checkout", lambda *args: out.append(1))
    event.listen(blog.engine, "checkin", lambda *args: out.pop())
    seen = []
    original = blog.index.add

    def add(*args: Any, **options: Any) -> int:
        seen.append(len(out))
        return original(*args, **options)

    monkeypatch.setattr(blog.index, "add", add)
    with blog.make() as session:
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session, sync_mode="inline")
        session.commit()
    assert seen == [0]


def test_inline_works_inside_an_outer_transaction_that_is_never_committed(blog: Blog) -> None:
    blog.engine.dispose()
    configure(blog.engine)
    with blog.engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session, sync_mode="inline")
            session.commit()
            assert (result.state, result.reason) == ("completed", None)
        outer.rollback()
    assert blog.index.indexes["post"]["1"]["title"] == "one"
    assert blog.works() == []


def test_inline_on_a_connection_whose_transaction_is_the_sessions_is_committed(blog: Blog) -> None:
    with blog.engine.connect() as connection, Session(connection) as session:
        session.add(post := Post(title="one"))
        result = blog.capture.sync_record(post, session=session, sync_mode="inline")
        session.commit()
    assert result.state == "completed"
    assert blog.states() == ["succeeded"]


def test_a_call_without_a_session_runs_at_once(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get(Post, 1)
    result = blog.capture.sync_record(post, sync_mode="inline")
    assert result.state == "completed"


def test_two_modes_in_one_transaction_keep_apart(blog: Blog) -> None:
    with blog.make() as session:
        session.add_all([one := Post(title="one"), two := Post(title="two")])
        inline = blog.capture.sync_record(one, session=session, sync_mode="inline")
        later = blog.capture.sync_record(two, session=session)
        session.commit()
    assert (inline.state, later.state) == ("completed", "accepted")
    assert list(blog.index.indexes["post"]) == ["1"]
    assert blog.published == [("post", later.work_ids)]


@pytest.mark.parametrize("call", ["sync_record", "delete_record", "sync_related", "sync_records", "delete_records"])
def test_an_option_that_a_call_does_not_know_is_refused(blog: Blog, call: str) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        with pytest.raises(ConfigError):
            getattr(blog.capture, call)([post] if call.endswith("s") else post, session=session, mode="inline")
    with pytest.raises(ConfigError):
        blog.capture.delete_document(Post, "1", mode="inline")  # type: ignore[call-arg]
    assert blog.states() == []
