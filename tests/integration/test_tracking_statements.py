"""ORM-enabled statements of tracked sessions, on each database: every row that they change is registered."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from sqlalchemy import Table, delete, event, func, insert, literal, select, update
from sqlalchemy.dialects.mysql import insert as mysql_insert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from scrypath_celery.errors import SchemaError
from tests.blog import Blog, Page, Post, Story, Tag, executed, open_blog

pytestmark = pytest.mark.one_database

Run = Callable[[Session], Any]


@pytest.fixture
def wide(database_url: str) -> Iterator[Blog]:
    """A blog in each kind of database, tracked, with three posts."""
    opened = open_blog(database_url)
    for title in ("t1", "t2", "t3"):
        opened.add(Post(title=title))
    opened.add(Page(id=1, slug="a"), Page(id=2, slug="b"))
    track(opened)
    yield opened
    opened.tracker.untrack(opened.make)
    opened.engine.dispose()


def track(blog: Blog) -> None:
    with pytest.warns(UserWarning, match="Note is reached by ON DELETE CASCADE"):
        blog.tracker.track(blog.make)


def ids(blog: Blog, index: str = "post") -> set[str]:
    return {id for uid, _, written in blog.works() if uid == index for id in written}


def upsert(session: Session, **values: Any) -> Any:
    """An INSERT that updates the title of a row that is there."""
    name = session.get_bind().dialect.name
    if name in ("mysql", "mariadb"):
        return mysql_insert(Post).values(**values).on_duplicate_key_update(title=values["title"])
    make = sqlite_insert if name == "sqlite" else postgresql_insert
    return make(Post).values(**values).on_conflict_do_update(index_elements=["id"], set_={"title": values["title"]})


ROW = {"kind": "post", "status": "draft"}
SOURCE = select(literal(30), literal("s"), literal("post"), literal("draft"))

POSTS = cast(Table, Post.__table__)
STATEMENTS: dict[str, tuple[Run, set[str]]] = {
    "values of one row": (lambda s: s.execute(insert(Post).values(id=10, title="x")), {"10"}),
    "values by columns": (lambda s: s.execute(insert(Post).values({Post.id: 10, Post.title: "x"})), {"10"}),
    "values of one row without its key": (lambda s: s.execute(insert(Post).values(title="x")), {"4"}),
    "values of two rows": (
        lambda s: s.execute(insert(Post).values([{"id": 10, "title": "x", **ROW}, {"id": 11, "title": "y", **ROW}])),
        {"10", "11"},
    ),
    "parameters with keys": (
        lambda s: s.execute(insert(Post), [{"id": 10, "title": "x"}, {"id": 11, "title": "y"}]),
        {"10", "11"},
    ),
    "parameters without keys": (lambda s: s.execute(insert(Post), [{"title": "x"}, {"title": "y"}]), {"4", "5"}),
    "from a SELECT": (
        lambda s: s.execute(insert(Post).from_select(["id", "title", "kind", "status"], SOURCE)),
        {"30"},
    ),
    "an upsert of a row that is there": (lambda s: s.execute(upsert(s, id=2, title="up", **ROW)), {"2"}),
    "an upsert in a from_statement": (
        lambda s: s.scalars(
            select(Post).from_statement(upsert(s, id=2, title="up", **ROW).returning(Post)),
            execution_options={"populate_existing": True},
        ).all(),
        {"2"},
    ),
    "an INSERT in a from_statement": (
        lambda s: s.scalars(select(Post).from_statement(insert(Post).values(id=60, title="i").returning(Post))).all(),
        {"60"},
    ),
    "a DELETE in a from_statement": (
        lambda s: s.scalars(select(Post).from_statement(delete(Post).where(Post.id == 3).returning(Post))).all(),
        {"3"},
    ),
    "an UPDATE by criteria": (lambda s: s.execute(update(Post).where(Post.id > 1).values(title="u")), {"2", "3"}),
    "an UPDATE of all": (lambda s: s.execute(update(Post).values(title="u")), {"1", "2", "3"}),
    "an UPDATE by keys": (
        lambda s: s.execute(update(Post), [{"id": 1, "title": "a"}, {"id": 3, "title": "b"}]),
        {"1", "3"},
    ),
    "an UPDATE with ordered values": (
        lambda s: s.execute(update(Post).where(Post.id == 1).ordered_values((Post.title, "o"), (Post.status, "x"))),
        {"1"},
    ),
    "an UPDATE that changes the class": (
        lambda s: s.execute(update(Post).where(Post.id == 2).values(kind="story")),
        {"2"},
    ),
    "a DELETE by criteria": (lambda s: s.execute(delete(Post).where(Post.id.in_(range(2, 3000)))), {"2", "3"}),
    "an UPDATE of the table": (
        lambda s: s.execute(update(POSTS).where(POSTS.c.id == 2).values(title="core")),
        {"2"},
    ),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_rows_of_a_statement_are_registered_and_no_others(wide: Blog, name: str) -> None:
    run, expected = STATEMENTS[name]
    with wide.make() as session:
        run(session)
        session.commit()
    assert ids(wide) == expected


def test_an_update_in_a_from_statement_is_registered(postgresql_url: str) -> None:
    blog = open_blog(postgresql_url)
    blog.add(Post(id=1, title="one"), Post(id=2, title="two"))
    track(blog)
    with blog.make() as session:
        change = update(Post).where(Post.id == 2).values(title="new").returning(Post)
        found = session.scalars(
            select(Post).from_statement(change), execution_options={"populate_existing": True}
        ).all()
        assert [post.title for post in found] == ["new"]
        session.commit()
    assert ids(blog) == {"2"}
    blog.engine.dispose()


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_cte_that_only_reads_is_no_hindrance(wide: Blog) -> None:
    some = select(select(Page.id).cte("some").c.id)
    with wide.make() as session:
        session.execute(update(Post).where(Post.id.in_(some)).values(title="u"))
        session.commit()
    assert ids(wide) == {"1", "2"}


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_a_statement_gives_what_it_gives_untracked(wide: Blog) -> None:
    with wide.make() as session:
        assert executed(session, update(Post).where(Post.id < 3).values(title="u")).rowcount == 2
        titles = session.scalars(update(Post).where(Post.id == 3).values(title="w").returning(Post.title)).all()
        assert titles == ["w"]
        [[post, title]] = session.execute(insert(Post).values(id=9, title="n").returning(Post, Post.title)).all()
        assert (post.id, title) == (9, "n")
        assert executed(session, insert(Post).values(title="k")).inserted_primary_key
        assert executed(session, delete(Post).where(Post.id == 1)).rowcount == 1


def test_a_document_whose_id_a_statement_changes_is_named_by_both(wide: Blog) -> None:
    with wide.make() as session:
        session.execute(update(Page).where(Page.id == 1).values(slug="new"))
        session.commit()
    assert ids(wide, "page") == {"a", "new"}


def test_rows_committed_since_the_session_looked_are_registered_too(wide: Blog) -> None:
    with wide.make() as session:
        session.scalars(select(Post)).all()
        wide.add(Post(id=8, title="t8")) if wide.engine.dialect.name != "sqlite" else None
        session.execute(update(Post).values(title="all"))
        session.commit()
    with wide.engine.connect() as connection:
        changed = set(map(str, connection.scalars(select(Post.__table__.c.id).where(Post.__table__.c.title == "all"))))
    assert ids(wide) == changed


def test_criteria_that_apply_to_select_alone_hide_no_row(wide: Blog) -> None:
    def only_published(state: ORMExecuteState) -> None:
        if state.is_select:
            state.statement = state.statement.options(with_loader_criteria(Post, Post.status == "published"))

    event.listen(wide.make, "do_orm_execute", only_published)
    with wide.make() as session:
        session.execute(update(Post).where(Post.id == 1).values(title="u"))
        session.commit()
    assert ids(wide) == {"1"}


def test_an_update_of_a_subclass_registers_its_rows_alone(wide: Blog) -> None:
    wide.add(Story(id=20, title="s"))
    with wide.make() as session:
        session.execute(update(Story).values(title="u"))
        session.commit()
    assert ids(wide) == {"20"}


def test_a_change_within_a_cte_is_refused_by_name(postgresql_url: str) -> None:
    blog = open_blog(postgresql_url)
    track(blog)
    hidden = delete(Post).where(Post.id == 3).returning(Post.id).cte("gone")
    for statement in (
        select(literal(1)).add_cte(hidden),
        select(func.count()).select_from(hidden),
        update(Tag).where(Tag.id.in_(select(hidden.c.id))).values(name="x"),
    ):
        with blog.make() as session, pytest.raises(SchemaError, match=r"Post: .* common table expression"):
            session.execute(statement)
    assert blog.works() == []
    blog.engine.dispose()


def test_an_upsert_that_changes_the_document_id_is_refused_by_name(blog: Blog) -> None:
    track(blog)
    statement = sqlite_insert(Page).values(id=1, slug="a", title="x")
    with blog.make() as session, pytest.raises(SchemaError, match=r"Page: .* 'slug' does not say the old one"):
        session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"slug": "b"}))
