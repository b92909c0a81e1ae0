"""The calls beside a write: what they register, when it is written, and what a rollback takes back."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import scoped_session

from scrypath_celery.errors import ConfigError, SchemaError, SessionError
from tests.blog import Blog, Page, Post


def test_a_call_beside_a_write_becomes_a_work_with_the_commit(blog: Blog) -> None:
    with blog.make.begin() as session:
        post = Post(title="one")
        session.add(post)
        result = blog.capture.sync_record(post, session=session)
        assert (result.state, result.work_ids) == ("deferred", ())
    assert blog.works() == [("post", "upsert", ["1"])]
    assert (result.state, result.work_ids, result.document_count) == ("accepted", (1,), 1)
    assert blog.published == [("post", (1,))]


def test_a_call_neither_flushes_nor_asks_the_database(blog: Blog) -> None:
    blog.add(Post(title="one"), Page(slug="a"))
    with blog.make() as session:
        post, page, new = session.get(Post, 1), session.get(Page, 1), Post(title="new")
        session.commit()
        session.add(new)
        blog.statements.clear()
        for record in (post, page, new):
            blog.capture.sync_record(record, session=session)
            blog.capture.delete_record(record)
        blog.capture.delete_document(Post, 7, session=session)
        assert blog.statements == []
        assert new in session.new


def test_the_session_of_the_record_is_used_where_none_is_given(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        blog.capture.sync_record(session.get(Post, 1))
        assert blog.works() == []
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_a_scoped_session_is_taken_too(blog: Blog) -> None:
    scoped = scoped_session(blog.make)
    scoped.add(post := Post(title="one"))
    blog.capture.sync_record(post, session=scoped)
    scoped.commit()
    scoped.remove()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_a_rolled_back_transaction_leaves_no_work(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        result = blog.capture.sync_record(post, session=session)
        session.flush()
        session.rollback()
        session.commit()
    assert blog.works() == []
    assert result.state == "discarded"
    assert blog.published == []


def test_a_session_that_is_closed_without_a_commit_leaves_no_work(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        result = blog.capture.sync_record(session.get(Post, 1))
    assert blog.works() == []
    assert result.state == "discarded"


def test_a_new_record_is_written_at_the_flush_that_gives_it_its_key(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session)
        assert blog.visible(session) == []
        session.flush()
        assert blog.visible(session) == [["1"]]


def test_a_thousand_calls_share_works_of_a_thousand_ids(blog: Blog) -> None:
    blog.add(*(Post(title="x") for _ in range(1200)))
    with blog.make() as session:
        results = [blog.capture.sync_record(post) for post in session.query(Post).order_by(Post.id)]
        session.commit()
    works = blog.works()
    assert [len(ids) for _, _, ids in works] == [1000, 200]
    assert results[0].work_ids == (1,)
    assert results[-1].work_ids == (2,)
    assert blog.published == [("post", (1, 2))]


def test_flushes_between_the_calls_do_not_split_the_works(blog: Blog) -> None:
    blog.add(*(Post(title="x") for _ in range(5)))
    with blog.make() as session:
        for post in session.query(Post).order_by(Post.id).all():
            post.title = "y"
            blog.capture.sync_record(post)
            session.flush()
        session.commit()
    assert blog.works() == [("post", "upsert", ["1", "2", "3", "4", "5"])]


def test_two_calls_for_one_record_name_one_work(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        first = blog.capture.sync_record(post, session=session)
        session.flush()
        second = blog.capture.sync_record(post, session=session)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]
    assert first.work_ids == second.work_ids == (1,)


def test_upserts_and_deletions_are_works_of_their_own(blog: Blog) -> None:
    blog.add(Post(title="one"), Post(title="two"))
    with blog.make() as session:
        one, two = session.get(Post, 1), session.get(Post, 2)
        blog.capture.sync_records([one])
        blog.capture.delete_records([two])
        session.delete(two)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"]), ("post", "delete", ["2"])]


def test_a_deletion_may_be_registered_after_its_flush(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get(Post, 1)
        session.delete(post)
        session.flush()
        blog.capture.delete_record(post)
        assert blog.works() == []
        session.commit()
    assert blog.works() == [("post", "delete", ["1"])]


def test_a_record_of_a_past_deletion_is_detached_and_written_at_once(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get(Page, 1)
        session.delete(page)
        session.commit()
        result = blog.capture.delete_record(page)
    assert blog.works() == [("page", "delete", ["old"])]
    assert (result.state, result.work_ids) == ("accepted", (1,))


def test_detached_records_and_ids_are_written_in_a_transaction_of_their_own(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get(Post, 1)
    blog.capture.sync_record(post)
    blog.capture.delete_documents(Post, [3, "4", 3])
    assert blog.works() == [("post", "upsert", ["1"]), ("post", "delete", ["3", "4"])]
    assert blog.published == [("post", (1,)), ("post", (2,))]


def test_ids_with_a_session_join_its_transaction(blog: Blog) -> None:
    with blog.make() as session:
        blog.capture.delete_document("Post", 3, session=session)
        session.rollback()
        session.commit()
        assert blog.works() == []
        blog.capture.delete_document("Post", 4, session=session)
        session.commit()
    assert ["4"] in [ids for _, _, ids in blog.works()]


def test_a_transient_record_without_a_session_is_refused(blog: Blog) -> None:
    with pytest.raises(SessionError, match="never saved"):
        blog.capture.sync_record(Post(title="one"))
    with pytest.raises(SessionError, match="never saved"):
        blog.capture.sync_record(Post(id=3, title="one"))


def test_a_record_that_is_expunged_before_its_flush_leaves_no_work(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        result = blog.capture.sync_record(post, session=session)
        session.expunge(post)
        session.commit()
    assert blog.works() == []
    assert result.state == "discarded"


def test_an_expunged_record_that_was_saved_is_still_written(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get(Post, 1)
        blog.capture.sync_record(post)
        session.expunge(post)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_a_record_of_another_session_is_refused(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session, blog.make() as other:
        post = session.get(Post, 1)
        with pytest.raises(SessionError, match="another session"):
            blog.capture.sync_record(post, session=other)
        with pytest.raises(SessionError, match="several sessions"):
            blog.capture.sync_records([post, other.get(Post, 1)])


WARNED = "a Post that was synced is in no session, so nobody saves it"


def changed_outside(blog: Blog) -> Post:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get_one(Post, 1)
    post.title = "two"
    return post


@pytest.mark.parametrize("detached", [True, False], ids=["detached", "never added"])
def test_a_record_that_no_session_saves_is_synced_with_a_warning(
    blog: Blog, caplog: pytest.LogCaptureFixture, detached: bool
) -> None:
    post = changed_outside(blog) if detached else Post(id=1, title="one")
    with blog.make() as session:
        blog.capture.sync_record(post, session=session)
        session.commit()
    if detached:
        blog.capture.sync_record(post)
    assert [record.getMessage().startswith(WARNED) for record in caplog.records] == [True] * (2 if detached else 1)
    assert blog.works()[0] == ("post", "upsert", ["1"])


def test_the_original_of_a_merge_and_an_unchanged_record_give_no_warning(
    blog: Blog, caplog: pytest.LogCaptureFixture
) -> None:
    post = changed_outside(blog)
    with blog.make() as session:
        session.merge(post)
        blog.capture.sync_record(post, session=session)
        session.merge(new := Post(id=2, title="new"))
        blog.capture.sync_record(new, session=session)
        session.commit()
        same = session.get_one(Post, 2)
    blog.capture.sync_record(same)
    assert caplog.records == []


def test_what_is_no_session_is_refused(blog: Blog) -> None:
    with pytest.raises(SessionError, match="not Engine"):
        blog.capture.sync_record(Post(title="one"), session=blog.engine)  # type: ignore[arg-type]


def test_an_undeclared_class_is_refused(blog: Blog) -> None:
    with pytest.raises(SchemaError, match="has no search schema"):
        blog.capture.sync_record(object())


def test_an_unknown_mode_is_refused(blog: Blog) -> None:
    with pytest.raises(ConfigError, match="inline, celery, manual, off"):
        blog.capture.delete_document(Post, 1, sync_mode="later")  # type: ignore[arg-type]


def test_within_paused_nothing_is_recorded(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        with blog.capture.capture_disabled():
            result = blog.capture.sync_record(post, session=session)
        session.commit()
    assert blog.works() == []
    assert result.state == "off"


def test_with_the_mode_off_nothing_is_recorded(blog: Blog) -> None:
    blog.option(sync_mode="off")
    with blog.make() as session:
        session.add(post := Post(title="one"))
        assert blog.capture.sync_record(post, session=session).state == "off"
        blog.capture.sync_record(post, session=session, sync_mode="celery")
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_nothing_given_is_nothing_recorded(blog: Blog) -> None:
    assert blog.capture.sync_records([]).state == "off"
    assert blog.capture.delete_documents(Post, []).state == "off"
    assert blog.works() == []


def test_a_failing_commit_leaves_no_work_and_the_next_one_is_clean(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title=None))
        blog.capture.sync_record(post, session=session)
        with pytest.raises(Exception, match="NOT NULL"):
            session.commit()
        session.rollback()
        session.add(good := Post(title="good"))
        blog.capture.sync_record(good, session=session)
        session.commit()
    assert [operation for _, operation, _ in blog.works()] == ["upsert"]


def test_a_merged_original_with_its_id_is_written(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        original = Post(id=1, title="changed")
        session.merge(original)
        blog.capture.sync_record(original, session=session)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_a_record_that_is_in_no_session_yet_waits_for_its_own_flush(blog: Blog) -> None:
    with blog.make() as session:
        later = Post(id=5, title="later")
        blog.capture.sync_record(later, session=session)
        session.add(Post(title="other"))
        session.flush()
        assert blog.visible(session) == []
        session.add(later)
        session.flush()
        assert blog.visible(session) == [["5"]]


def test_a_database_that_returns_no_row_of_an_insert_tells_the_id_in_its_own_way(
    blog: Blog, monkeypatch: pytest.MonkeyPatch
) -> None:
    blog.add(Post(title="one"))
    monkeypatch.setattr(blog.engine.dialect, "insert_returning", False)
    results = []
    for title in ("two", "three"):
        with blog.make.begin() as session:
            session.add(post := Post(title=title))
            results.append(blog.capture.sync_record(post, session=session))
    assert [result.work_ids for result in results] == [(1,), (2,)]
    assert blog.works() == [("post", "upsert", ["2"]), ("post", "upsert", ["3"])]
