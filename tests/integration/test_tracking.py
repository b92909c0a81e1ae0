"""Tracked sessions: what their flushes and statements register, and what is refused by name."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any, cast

import pytest
from sqlalchemy import Table, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, defer, load_only, scoped_session, sessionmaker

from scrypath_celery.errors import SchemaError, SessionError
from tests.blog import Blog, Note, Page, Post, Seat, Story, Tag, executed


@pytest.fixture
def tracked(blog: Blog) -> Iterator[Blog]:
    with pytest.warns(UserWarning, match="Note"):
        blog.tracker.track(blog.make)
    yield blog
    blog.tracker.untrack(blog.make)


def ids(blog: Blog, operation: str | None = None) -> set[tuple[str, str]]:
    """Index and id of all that the works name."""
    return {(uid, id) for uid, kind, found in blog.works() if operation in (None, kind) for id in found}


def test_inserts_updates_and_deletions_are_captured(tracked: Blog) -> None:
    with tracked.make() as session:
        session.add_all([Post(title="one"), Post(title="two"), Tag(name="undeclared")])
        session.commit()
        assert tracked.works() == [("post", "upsert", ["1", "2"])]
        session.get_one(Post, 1).title = "changed"
        session.delete(session.get_one(Post, 2))
        session.commit()
    assert sorted(tracked.works()[1:]) == [("post", "delete", ["2"]), ("post", "upsert", ["1"])]


def test_a_change_that_no_document_shows_is_not_captured(tracked: Blog) -> None:
    tracked.add(Page(slug="a"), Page(slug="b"))
    with tracked.make() as session:
        session.get_one(Page, 1).code = "not declared"
        session.get_one(Page, 2).code, session.get_one(Page, 2).title = "not declared", "declared"
        session.commit()
    assert tracked.works() == [("page", "upsert", ["b"])]


def test_a_record_that_is_dirty_without_a_change_is_not_captured(tracked: Blog) -> None:
    tracked.add(Post(title="one"), Post(title="two"))
    with tracked.make() as session:
        session.get_one(Post, 1).title = "one"
        session.get_one(Post, 2).title = "changed"
        session.commit()
    assert tracked.works() == [("post", "upsert", ["2"])]


def test_a_changed_collection_counts_as_an_update(tracked: Blog) -> None:
    tracked.add(Post(title="one"))
    with tracked.make() as session:
        post = session.get_one(Post, 1)
        post.tags.append(Tag(name="a"))
        session.commit()
        assert tracked.works() == [("post", "upsert", ["1"])]
        post.tags.clear()
        session.commit()
    assert tracked.works() == [("post", "upsert", ["1"])] * 2


def test_orphans_that_a_flush_deletes_are_captured(tracked: Blog) -> None:
    tracked.schemas.add(Tag, fields=["name"])
    tracked.add(Post(title="one", tags=[Tag(name="a")]))
    with tracked.make() as session:
        post = session.get_one(Post, 1)
        post.tags.clear()
        session.commit()
    assert ("tag", "1") in ids(tracked, "delete")


def test_cascades_of_the_session_are_captured(tracked: Blog) -> None:
    tracked.schemas.add(Tag, fields=["name"])
    tracked.add(Post(title="one", tags=[Tag(name="a")]))
    with tracked.make() as session:
        session.delete(session.get_one(Post, 1))
        session.commit()
    assert ids(tracked, "delete") == {("post", "1"), ("tag", "1")}


def test_a_changed_document_id_registers_both(tracked: Blog) -> None:
    tracked.add(Page(slug="old"), Seat(row="a", number=1, label="old"))
    with tracked.make() as session:
        session.get_one(Page, 1).slug = "new"
        session.get_one(Seat, ("a", 1)).label = "new"
        session.commit()
    assert ids(tracked) == {("page", "old"), ("page", "new"), ("seat", "old-seat"), ("seat", "new-seat")}


def test_an_old_document_id_that_was_never_loaded_is_found(tracked: Blog) -> None:
    tracked.add(Page(slug="old"))
    with tracked.make() as session:
        page = session.get_one(Page, 1)
        session.commit()
        page.slug = "new"
        session.commit()
    assert ids(tracked) == {("page", "old"), ("page", "new")}


@pytest.mark.parametrize("how", ["expired", "deferred", "never read"])
def test_a_deleted_record_whose_id_was_not_loaded_is_captured_without_a_warning(
    tracked: Blog, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    tracked.add(Page(slug="old"))
    with caplog.at_level("WARNING", "scrypath_celery"), tracked.make() as session:
        options = [] if how == "expired" else [load_only(Page.title) if how == "never read" else defer(Page.slug)]
        page = session.scalars(select(Page).options(*options)).one()
        if how == "expired":
            session.expire(page, ["slug"])
        session.delete(page)
        session.commit()
    assert (ids(tracked), caplog.messages) == ({("page", "old")}, [])


def test_a_rolled_back_flush_leaves_no_work(tracked: Blog) -> None:
    with tracked.make() as session:
        session.add(Post(title="one"))
        session.flush()
        savepoint = session.begin_nested()
        session.add(Post(title="two"))
        session.flush()
        savepoint.rollback()
        session.commit()
    assert tracked.works() == [("post", "upsert", ["1"])]


def test_paused_and_off_record_nothing(tracked: Blog) -> None:
    with tracked.make() as session, tracked.capture.capture_disabled():
        session.add(Post(title="one"))
        session.commit()
        session.execute(update(Post).values(title="two"))
        session.commit()
    tracked.option(sync_mode="off")
    with tracked.make() as session:
        session.add(Post(title="three"))
        session.commit()
    assert tracked.works() == []


def test_untracked_sessions_record_nothing(tracked: Blog) -> None:
    with Session(tracked.engine) as session:
        session.add(Post(title="one"))
        session.commit()
    tracked.tracker.untrack(tracked.make)
    with tracked.make() as session:
        session.add(Post(title="two"))
        session.commit()
    assert tracked.works() == []


def test_tracking_twice_captures_once(tracked: Blog) -> None:
    tracked.tracker.track(tracked.make)
    with tracked.make() as session:
        session.add(Post(title="one"))
        session.commit()
    assert tracked.works() == [("post", "upsert", ["1"])]


def test_a_call_and_tracking_share_a_work(tracked: Blog) -> None:
    with tracked.make() as session:
        session.add(post := Post(title="one"))
        tracked.capture.sync_record(post, session=session)
        session.commit()
    assert tracked.works() == [("post", "upsert", ["1"])]


def test_updates_and_deletions_by_statement_are_captured(tracked: Blog) -> None:
    tracked.add(*(Post(title=str(number)) for number in range(1, 5)))
    with tracked.make() as session:
        changed = executed(session, update(Post).where(Post.id < 3).values(title="x"))
        removed = executed(session, delete(Post).where(Post.title == bindparam("which")), {"which": "4"})
        assert (changed.rowcount, removed.rowcount) == (2, 1)
        session.query(Post).filter(Post.id == 3).update({"title": "y"})
        session.commit()
    assert ids(tracked, "upsert") == {("post", "1"), ("post", "2"), ("post", "3")}
    assert ids(tracked, "delete") == {("post", "4")}


def test_core_statements_of_the_session_are_captured(tracked: Blog) -> None:
    tracked.add(Post(title="one"), Post(title="two"))
    table = cast(Table, Post.__table__)
    with tracked.make() as session:
        session.execute(update(table).where(table.c.title == "one").values(title="x"))
        session.execute(delete(table).where(table.c.title == "two"))
        session.commit()
    assert tracked.works() == [("post", "upsert", ["1"]), ("post", "delete", ["2"])]


def test_a_statement_on_a_base_reaches_declared_subclasses(tracked: Blog) -> None:
    tracked.schemas.add(Story, index="stories", fields=["title"])
    tracked.add(Post(title="one"), Story(title="two"))
    with tracked.make() as session:
        session.execute(update(Post).values(title="x"))
        session.commit()
    assert ids(tracked) == {("post", "1"), ("post", "2"), ("stories", "2")}


def test_a_statement_that_moves_document_ids_registers_both(tracked: Blog) -> None:
    tracked.add(Page(slug="old"), Page(slug="other"), Seat(row="a", number=1, label="old"))
    with tracked.make() as session:
        assert executed(session, update(Page).where(Page.slug == "old").values(slug=Page.slug + "er")).rowcount == 1
        session.execute(update(Seat).values(label="new"))
        session.commit()
    assert ids(tracked) == {("page", "old"), ("page", "older"), ("seat", "old-seat"), ("seat", "new-seat")}


def test_a_bulk_update_by_primary_key_is_captured(tracked: Blog) -> None:
    tracked.add(Post(title="one"), Page(slug="a"), Seat(row="a", number=1, label="x"))
    with tracked.make() as session:
        session.execute(update(Post), [{"id": 1, "title": "x"}])
        session.execute(update(Page), [{"id": 1, "slug": "b"}])
        session.execute(update(Seat), [{"row": "a", "number": 1, "label": "y"}])
        session.commit()
    assert ids(tracked) == {("post", "1"), ("page", "a"), ("page", "b"), ("seat", "x-seat"), ("seat", "y-seat")}


def test_inserts_that_say_their_ids_are_captured(tracked: Blog) -> None:
    with tracked.make() as session:
        session.execute(
            insert(Post), [{"id": 7, "title": "x", "kind": "post"}, {"id": 8, "title": "y", "kind": "post"}]
        )
        session.execute(insert(Page).values(slug="a", title=""))
        session.commit()
    assert ids(tracked) == {("post", "7"), ("post", "8"), ("page", "a")}


def refused() -> list[Any]:
    upsert = sqlite_insert(Post).values(id=1, title="x", kind="post", status="draft")
    return [
        upsert.on_conflict_do_update(index_elements=["title"], set_={"id": 7}),
        update(Post).values(id=Post.id + 100),
        update(Seat).ordered_values((Seat.number, Seat.number + 1)),
    ]


@pytest.mark.parametrize("number", range(len(refused())))
def test_a_statement_whose_documents_cannot_be_told_is_refused_by_name(tracked: Blog, number: int) -> None:
    tracked.add(Post(title="one"), Seat(row="a", number=1, label="x"))
    with tracked.make() as session:
        with pytest.raises(SchemaError, match=r"(Post|Seat): this statement cannot be tracked.*capture_disabled"):
            session.execute(refused()[number])
        session.commit()
    assert tracked.works() == []


def test_statements_on_undeclared_classes_pass(tracked: Blog) -> None:
    with tracked.make() as session:
        session.execute(insert(Tag).values(name="a"))
        session.execute(update(Tag).values(id=Tag.id + 1))
        session.execute(text("DELETE FROM tag"))
        session.execute(select(func.count()).select_from(Post))
        session.commit()
    assert tracked.works() == []


def test_classes_that_the_database_deletes_by_cascade_are_named_once(blog: Blog) -> None:
    with pytest.warns(UserWarning, match="Note is reached by ON DELETE CASCADE of post"):
        blog.tracker.track(blog.make)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        blog.tracker.track(blog.make)


def test_a_class_declared_later_is_named_in_the_log(blog: Blog, caplog: pytest.LogCaptureFixture) -> None:
    from scrypath_celery.capture.track import Tracker
    from scrypath_celery.declaration.registry import Schemas

    schemas = Schemas()
    tracker = Tracker(schemas, blog.capture)
    tracker.track(blog.make)
    schemas.add(Note, fields=["text"])
    with blog.make() as session:
        session.add(Note(text="x"))
        session.commit()
    tracker.untrack(blog.make)
    assert "Note is reached by ON DELETE CASCADE" in caplog.text


@pytest.mark.parametrize("kind", ["scoped", "subclass", "session_factory"])
@pytest.mark.filterwarnings("ignore:Note is reached")
def test_other_makers_of_sessions_are_tracked(blog: Blog, kind: str) -> None:
    class Own(Session):
        pass

    target: Any = {
        "scoped": scoped_session(sessionmaker(blog.engine)),
        "subclass": Own,
        "session_factory": scoped_session(sessionmaker(blog.engine, class_=Own)),
    }[kind]
    blog.tracker.track(target)
    session = Own(blog.engine) if kind == "subclass" else target()
    session.add(Post(title="one"))
    session.commit()
    session.close()
    blog.tracker.untrack(target)
    assert blog.works() == [("post", "upsert", ["1"])]


@pytest.mark.parametrize("target", [Session, object(), "Session", AsyncSession])
def test_what_cannot_be_tracked_is_refused(blog: Blog, target: Any) -> None:
    with pytest.raises(SessionError, match="track takes"):
        blog.tracker.track(target)


@pytest.mark.parametrize("kind", ["maker", "subclass"])
@pytest.mark.filterwarnings("ignore:Note is reached")
def test_async_sessions_are_tracked_without_touching_the_common_class(blog: Blog, kind: str) -> None:
    class Own(AsyncSession):
        pass

    async def story() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{blog.engine.url.database}")
        maker = async_sessionmaker(engine, class_=Own) if kind == "subclass" else async_sessionmaker(engine)
        target: Any = Own if kind == "subclass" else maker
        blog.tracker.track(target)
        blog.tracker.track(target)
        async with maker() as session:
            session.add(Page(slug="old"))
            await session.commit()
        async with maker() as session:
            await session.execute(update(Page).values(slug="new"))
            await session.commit()
        async with AsyncSession(engine) as other:
            other.add(Post(title="not tracked"))
            await other.commit()
        blog.tracker.untrack(target)
        async with maker() as session:
            session.add(Post(title="not tracked"))
            await session.commit()
        await engine.dispose()

    asyncio.run(story())
    assert ids(blog) == {("page", "old"), ("page", "new")}
