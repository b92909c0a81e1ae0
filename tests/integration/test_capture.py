"""The calls beside a write: what they register, when it is written, and what a rollback takes back."""

from __future__ import annotations

import gc
import logging
from typing import Any

import pytest
from sqlalchemy import create_engine, event, inspect, text
from sqlalchemy.orm import Session, make_transient, registry, scoped_session, sessionmaker

from scrypath_celery.errors import ConfigError, LedgerMissing, ProjectionError, SchemaError, SessionError, WrongDatabase
from scrypath_celery.ledger import Ledger
from scrypath_celery.ledger.sqlite import configure
from tests.blog import Base, Blog, Page, Post, Seat, Story, open_blog


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


def test_a_rolled_back_savepoint_takes_what_was_registered_in_it(blog: Blog) -> None:
    blog.add(Post(title="one"), Post(title="two"))
    with blog.make() as session:
        kept = blog.capture.sync_record(session.get(Post, 1))
        savepoint = session.begin_nested()
        lost = blog.capture.sync_record(session.get(Post, 2))
        session.add(new := Post(title="three"))
        gone = blog.capture.sync_record(new, session=session)
        session.flush()
        savepoint.rollback()
        assert (lost.state, gone.state) == ("discarded", "discarded")
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]
    assert (kept.state, kept.work_ids) == ("accepted", (1,))
    assert gone.work_ids == ()


def test_a_released_savepoint_keeps_what_was_registered_in_it(blog: Blog) -> None:
    with blog.make() as session:
        with session.begin_nested(), session.begin_nested():
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session)
        assert result.state == "deferred"
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]
    assert result.state == "accepted"


def test_a_released_savepoint_goes_with_the_one_around_it(blog: Blog) -> None:
    with blog.make() as session:
        outer = session.begin_nested()
        with session.begin_nested():
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session)
        outer.rollback()
        session.commit()
    assert blog.works() == []
    assert result.state == "discarded"


def test_what_a_rolled_back_savepoint_wrote_for_the_transaction_is_written_again(blog: Blog) -> None:
    with blog.make() as session:
        post = Post(id=5, title="one")
        result = blog.capture.sync_record(post, session=session)
        savepoint = session.begin_nested()
        session.add(post)
        session.flush()
        assert blog.visible(session) == [["5"]]
        assert len(result.work_ids) == 1
        savepoint.rollback()
        assert blog.visible(session) == []
        assert result.work_ids == ()
        session.add(post)
        session.commit()
    assert blog.works() == [("post", "upsert", ["5"])]
    assert (result.state, len(result.work_ids)) == ("accepted", 1)


def test_the_commit_of_a_savepoint_hands_nothing_on(blog: Blog) -> None:
    with blog.make() as session:
        with session.begin_nested():
            session.add(post := Post(title="one"))
            blog.capture.sync_record(post, session=session)
        assert blog.published == []
        session.rollback()
    assert blog.published == []


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


def test_a_deleted_record_whose_id_was_not_loaded_is_named_all_the_same(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get(Page, 1)
        session.expire(page)
        blog.capture.delete_record(page)
        session.delete(page)
        session.commit()
    assert blog.works() == [("page", "delete", ["old"])]


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


def test_what_is_no_session_is_refused(blog: Blog) -> None:
    with pytest.raises(SessionError, match="not Engine"):
        blog.capture.sync_record(Post(title="one"), session=blog.engine)


def test_an_undeclared_class_is_refused(blog: Blog) -> None:
    with pytest.raises(SchemaError, match="has no search schema"):
        blog.capture.sync_record(object())


def test_an_unknown_mode_is_refused(blog: Blog) -> None:
    with pytest.raises(ConfigError, match="inline, celery, manual, off"):
        blog.capture.delete_document(Post, 1, sync_mode="later")


def test_an_id_that_the_engine_would_refuse_is_refused(blog: Blog) -> None:
    with pytest.raises(ProjectionError) as caught:
        blog.capture.delete_document(Post, "a b")
    assert caught.value.error_code == "invalid_document_id"


def test_a_record_with_an_id_that_the_engine_refuses_does_not_break_the_commit(blog: Blog) -> None:
    with blog.make() as session:
        session.add(page := Page(slug="not an id"))
        blog.capture.sync_record(page, session=session)
        session.commit()
    assert blog.works() == [("page", "upsert", ["not an id"])]


def test_within_paused_nothing_is_recorded(blog: Blog) -> None:
    with blog.make() as session:
        session.add(post := Post(title="one"))
        with blog.capture.paused():
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


def test_a_changed_document_id_registers_the_old_one_too(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get(Page, 1)
        page.slug = "new"
        blog.capture.sync_record(page)
        session.commit()
    assert blog.works() == [("page", "upsert", ["old", "new"])]


def test_an_id_that_changes_after_the_call_registers_both(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get(Page, 1)
        blog.capture.sync_record(page)
        page.slug = "new"
        session.flush()
        page.slug = "newer"
        session.commit()
    assert blog.works() == [("page", "upsert", ["old", "new", "newer"])]


def test_an_old_document_id_that_was_never_loaded_is_asked_for_before_the_flush(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get(Page, 1)
        session.commit()
        page.slug = "new"
        blog.capture.sync_record(page)
        session.commit()
    assert [set(ids) for _, _, ids in blog.works()] == [{"old", "new"}]


def test_a_hybrid_document_id_registers_the_old_value_too(blog: Blog) -> None:
    blog.add(Seat(row="a", number=1, label="old"))
    with blog.make() as session:
        seat = session.get(Seat, ("a", 1))
        seat.label = "new"
        blog.capture.sync_record(seat)
        session.commit()
    assert [set(ids) for _, _, ids in blog.works()] == [{"old-seat", "new-seat"}]


def test_a_changed_primary_key_registers_the_old_one_too(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get(Post, 1)
        post.id = 9
        blog.capture.sync_record(post)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1", "9"])]


def test_a_document_id_that_the_database_computes_is_read_after_the_flush(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get(Page, 1)
        page.slug = text("upper('new')")
        blog.capture.sync_record(page)
        session.commit()
    assert {id for _, _, ids in blog.works() for id in ids} == {"old", "NEW"}


def test_an_undeclared_subclass_is_written_for_its_base(blog: Blog) -> None:
    with blog.make() as session:
        session.add(story := Story(title="one"))
        blog.capture.sync_record(story, session=session)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]


def test_a_declared_subclass_is_written_for_both_indexes(blog: Blog) -> None:
    blog.schemas.add(Story, index="stories", fields=["title"])
    with blog.make() as session:
        session.add(story := Story(title="one"))
        result = blog.capture.sync_record(story, session=session)
        session.commit()
    assert blog.works() == [("stories", "upsert", ["1"]), ("post", "upsert", ["1"])]
    assert (result.document_count, result.work_ids) == (1, (1, 2))


def test_a_session_on_another_database_is_refused_by_name(blog: Blog, tmp_path: Any) -> None:
    other = create_engine(f"sqlite:///{tmp_path / 'other.db'}")
    Base.metadata.create_all(other)
    with Session(other) as session:
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session)
        with pytest.raises(LedgerMissing):
            session.commit()
    Ledger(lambda: other).create_all()
    with Session(other) as session:
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session)
        with pytest.raises(WrongDatabase, match=r"other\.db"):
            session.commit()
        session.rollback()
        assert session.query(Post).count() == 0
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
        post = session.get(Post, 1)
        post.title = "two"
        blog.capture.sync_record(post)
        session.flush()
    assert blog.works() == [("post", "upsert", ["1"])]


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


def test_an_error_after_the_commit_never_leaves_it(blog: Blog, caplog: pytest.LogCaptureFixture) -> None:
    def refuse(uid: str, ids: tuple[int, ...]) -> None:
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
    def interrupt(uid: str, ids: tuple[int, ...]) -> None:
        raise KeyboardInterrupt

    blog.runtime = type(blog.runtime)(**{**vars(blog.runtime), "publish": interrupt})
    with blog.make() as session:
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session)
        with pytest.raises(KeyboardInterrupt):
            session.commit()


def test_only_the_session_that_registers_is_listened_to(blog: Blog) -> None:
    from scrypath_celery.sync import listen

    with blog.make() as session, blog.make() as other:
        session.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=session)
        for name, function in listen._LISTENERS.items():
            assert event.contains(session, name, function)
            assert not event.contains(other, name, function)
            assert not event.contains(Session, name, function)
            assert not event.contains(blog.make, name, function)
        session.rollback()


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


def test_a_merged_original_with_its_id_is_written(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        original = Post(id=1, title="changed")
        session.merge(original)
        blog.capture.sync_record(original, session=session)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1"])]


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


def test_the_key_of_a_record_that_others_deleted_is_known_without_reading_it(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get(Post, 1)
        session.commit()
        with blog.make.begin() as other:
            other.delete(other.get(Post, 1))
        blog.capture.delete_record(post)
        session.commit()
    assert blog.works() == [("post", "delete", ["1"])]


def test_a_detached_record_whose_id_is_unknown_is_refused(blog: Blog) -> None:
    blog.add(Page(slug="a"))
    with blog.make() as session:
        page = session.get(Page, 1)
        session.expire(page)
        session.expunge(page)
    assert inspect(page).detached
    with pytest.raises(SessionError):
        blog.capture.sync_record(page)
    make_transient(page)
    with pytest.raises(SessionError):
        blog.capture.sync_record(page)
