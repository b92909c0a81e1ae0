"""Which document ids a call names: old ones, unknown ones, and those of subclasses."""

from __future__ import annotations

import pytest
from sqlalchemy import String, inspect, literal_column
from sqlalchemy.orm import make_transient

from scrypath_celery.errors import ProjectionError, SessionError
from tests.blog import Blog, Page, Post, Seat, Story


def test_a_deleted_record_whose_id_was_not_loaded_is_named_all_the_same(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get_one(Page, 1)
        session.expire(page)
        blog.capture.delete_record(page)
        session.delete(page)
        session.commit()
    assert blog.works() == [("page", "delete", ["old"])]


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


def test_a_changed_document_id_registers_the_old_one_too(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get_one(Page, 1)
        page.slug = "new"
        blog.capture.sync_record(page)
        session.commit()
    assert blog.works() == [("page", "upsert", ["old", "new"])]


def test_an_id_that_changes_after_the_call_registers_both(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get_one(Page, 1)
        blog.capture.sync_record(page)
        page.slug = "new"
        session.flush()
        page.slug = "newer"
        session.commit()
    assert blog.works() == [("page", "upsert", ["old", "new", "newer"])]


def test_an_old_document_id_that_was_never_loaded_is_asked_for_before_the_flush(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get_one(Page, 1)
        session.commit()
        page.slug = "new"
        blog.capture.sync_record(page)
        session.commit()
    assert [set(ids) for _, _, ids in blog.works()] == [{"old", "new"}]


def test_a_hybrid_document_id_registers_the_old_value_too(blog: Blog) -> None:
    blog.add(Seat(row="a", number=1, label="old"))
    with blog.make() as session:
        seat = session.get_one(Seat, ("a", 1))
        seat.label = "new"
        blog.capture.sync_record(seat)
        session.commit()
    assert [set(ids) for _, _, ids in blog.works()] == [{"old-seat", "new-seat"}]


def test_a_changed_primary_key_registers_the_old_one_too(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get_one(Post, 1)
        post.id = 9
        blog.capture.sync_record(post)
        session.commit()
    assert blog.works() == [("post", "upsert", ["1", "9"])]


def test_a_document_id_that_the_database_computes_is_read_after_the_flush(blog: Blog) -> None:
    blog.add(Page(slug="old"))
    with blog.make() as session:
        page = session.get_one(Page, 1)
        page.slug = literal_column("upper('new')", String)
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


def test_the_key_of_a_record_that_others_deleted_is_known_without_reading_it(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.make() as session:
        post = session.get_one(Post, 1)
        session.commit()
        with blog.make.begin() as other:
            other.delete(other.get(Post, 1))
        session.begin()
        blog.capture.delete_record(post)
        session.commit()
    assert blog.works() == [("post", "delete", ["1"])]


def test_a_detached_record_whose_id_is_unknown_is_refused(blog: Blog) -> None:
    blog.add(Page(slug="a"))
    with blog.make() as session:
        page = session.get_one(Page, 1)
        session.expire(page)
        session.expunge(page)
    assert inspect(page).detached
    with pytest.raises(SessionError):
        blog.capture.sync_record(page)
    make_transient(page)
    with pytest.raises(SessionError):
        blog.capture.sync_record(page)
