"""Reading records: what convergence, backfill and counts see."""

from __future__ import annotations

import enum
import uuid
from typing import Any

import orjson
import pytest
from sqlalchemy import Uuid, create_engine, event, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    ORMExecuteState,
    Session,
    mapped_column,
    selectinload,
    sessionmaker,
    with_loader_criteria,
)
from sqlalchemy.pool import StaticPool

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.declaration.schema import Schema
from scrypath_celery.errors import SchemaError, SourceError
from scrypath_celery.source import Source
from scrypath_celery.work import ReasonClass
from tests.blog import Blog, Page, Post, Seat, Tag


class Size(enum.Enum):
    BIG = "big"


def source(blog: Blog, **options: Any) -> Source:
    maker = sessionmaker(blog.engine, **options)
    return Source(lambda: maker)


def schema(model: type[Any], **declaration: Any) -> Schema:
    return Schemas().add(model, **declaration)


def bodies(found: Any) -> dict[str, Any]:
    return {id: orjson.loads(body) for id, body in found.documents.items()}


def test_documents_are_read_projected_and_encoded(blog: Blog) -> None:
    blog.add(Post(title="one"), Post(title="two"))
    found = source(blog).read(schema(Post, fields=["title", "shout"]), ["2", "1", "2", "9"])
    assert bodies(found) == {
        "1": {"id": 1, "title": "one", "shout": "ONE"},
        "2": {"id": 2, "title": "two", "shout": "TWO"},
    }
    assert (found.gone, dict(found.failures)) == (("9",), {})


def test_every_read_sees_the_newest_version(blog: Blog) -> None:
    blog.add(Post(title="one"))
    reader, declared = source(blog), schema(Post, fields=["title"])
    assert bodies(reader.read(declared, ["1"]))["1"]["title"] == "one"
    with blog.make.begin() as session:
        session.get_one(Post, 1).title = "two"
    assert bodies(reader.read(declared, ["1"]))["1"]["title"] == "two"


def test_ids_that_no_record_can_have_are_gone(blog: Blog) -> None:
    blog.add(Post(title="one"))
    found = source(blog).read(schema(Post), ["01", "x", "1.0", "99999999999999999999", "1"])
    assert (list(found.documents), found.gone) == (["1"], ("01", "x", "1.0", "99999999999999999999"))


def test_an_id_that_only_the_collation_finds_is_gone() -> None:
    class Base(DeclarativeBase):
        pass

    class Word(Base):
        __tablename__ = "word"
        text: Mapped[str] = mapped_column(primary_key=True)

    engine = create_engine("sqlite://", poolclass=StaticPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE word (text TEXT COLLATE NOCASE PRIMARY KEY)")
        connection.exec_driver_sql("INSERT INTO word VALUES ('Hello')")
    maker = sessionmaker(engine)
    found = Source(lambda: maker).read(schema(Word), ["hello"])
    assert (dict(found.documents), found.gone) == ({}, ("hello",))
    engine.dispose()


def test_ids_of_every_kind_lead_to_their_records() -> None:
    class Base(DeclarativeBase):
        pass

    class Token(Base):
        __tablename__ = "token"
        id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)

    class Shirt(Base):
        __tablename__ = "shirt"
        size: Mapped[Size] = mapped_column(primary_key=True)

    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    maker = sessionmaker(engine)
    key = uuid.uuid4()
    with maker.begin() as session:
        session.add_all([Token(id=key), Shirt(size=Size.BIG)])
    reader = Source(lambda: maker)
    assert bodies(reader.read(schema(Token), [str(key), str(uuid.uuid4()), "x"])) == {str(key): {"id": str(key)}}
    assert bodies(reader.read(schema(Shirt), ["big", "small"])) == {"big": {"size": "big"}}
    assert list(reader.pages(schema(Token), 5)) == [(str(key),)]
    engine.dispose()


def test_the_declared_statement_is_what_is_read_paged_and_counted(blog: Blog) -> None:
    blog.add(*(Post(title=str(number), status="published" if number % 2 else "draft") for number in range(1, 8)))
    declared = schema(Post, select=lambda: select(Post).where(Post.status == "published").order_by(Post.title.desc()))
    reader = source(blog)
    assert set(reader.read(declared, ["1", "2", "3"]).documents) == {"1", "3"}
    assert reader.read(declared, ["1", "2", "3"]).gone == ("2",)
    assert list(reader.pages(declared, 3)) == [("1", "3", "5"), ("7",)]
    assert reader.count(declared) == 4


def test_loader_options_make_one_query_of_many(blog: Blog) -> None:
    blog.add(*(Post(title=str(number), tags=[Tag(name="a"), Tag(name="b")]) for number in range(20)))
    declared = schema(Post, fields=["tag_names"], select=lambda: select(Post).options(selectinload(Post.tags)))
    blog.statements.clear()
    found = source(blog).read(declared, [str(number) for number in range(1, 21)])
    assert bodies(found)["20"]["tag_names"] == ["a", "b"]
    assert len([one for one in blog.statements if one.startswith("SELECT")]) == 2
    assert list(source(blog).pages(declared, 50)) == [tuple(str(number) for number in range(1, 21))]


def test_a_joined_statement_pages_and_counts_each_record_once(blog: Blog) -> None:
    blog.add(*(Post(title=str(number), tags=[Tag(name="a"), Tag(name="b")]) for number in range(3)))
    declared = schema(Post, select=lambda: select(Post).join(Post.tags))
    assert list(source(blog).pages(declared, 2)) == [("1", "2"), ("3",)]
    assert source(blog).count(declared) == 3
    assert len(source(blog).read(declared, ["1", "2", "3"]).documents) == 3


def test_criteria_of_the_sessionmaker_hold_for_reads_pages_and_counts(blog: Blog) -> None:
    blog.add(Post(title="kept"), Post(title="hidden"))
    maker = sessionmaker(blog.engine)

    @event.listens_for(maker, "do_orm_execute")
    def hide(state: Any) -> None:
        if state.is_select:
            state.statement = state.statement.options(with_loader_criteria(Post, Post.title != "hidden"))

    reader, declared = Source(lambda: maker), schema(Post)
    assert reader.read(declared, ["1", "2"]).gone == ("2",)
    assert list(reader.pages(declared, 5)) == [("1",)]
    assert reader.count(declared) == 1


def test_the_sessions_own_class_is_used(blog: Blog) -> None:
    opened = []

    class Own(Session):
        def __init__(self, *args: Any, **options: Any) -> None:
            opened.append(self)
            super().__init__(*args, **options)

    source(blog, class_=Own).count(schema(Post))
    assert len(opened) == 1


def test_options_of_the_declared_statement_hold_for_reads_pages_and_counts(blog: Blog) -> None:
    blog.add(Post(title="one"), Post(title="hidden"))
    maker = sessionmaker(blog.engine)

    @event.listens_for(maker, "do_orm_execute")
    def hide(state: Any) -> None:
        if not state.execution_options.get("with_hidden"):
            state.statement = state.statement.options(with_loader_criteria(Post, Post.title != "hidden"))

    reader = Source(lambda: maker)
    all_of_them = schema(Post, fields=["title"], select=lambda: select(Post).execution_options(with_hidden=True))
    assert set(reader.read(all_of_them, ["1", "2"]).documents) == {"1", "2"}
    assert [*reader.pages(all_of_them, 10)] == [("1", "2")]
    assert reader.present(all_of_them, ["1", "2"]) == {"1", "2"}
    assert reader.count(all_of_them) == 2
    assert reader.count(schema(Post, fields=["title"])) == 1


def test_what_python_alone_lets_in_is_read_but_not_counted(blog: Blog) -> None:
    blog.add(Post(title="one", status="published"), Post(title="two"))
    for rule in ("shout", lambda post: post.status == "published"):
        declared = schema(Post, index_if=rule)
        assert source(blog).count(declared) is None
        assert list(source(blog).pages(declared, 5)) == [("1", "2")]
    assert source(blog).read(declared, ["1", "2"]).gone == ("2",)


def test_what_the_database_lets_in_is_read_paged_and_counted(blog: Blog) -> None:
    blog.add(Post(title="one", status="published"), Post(title="two"))
    declared = schema(Post, index_if="public")
    assert source(blog).count(declared) == 1
    assert list(source(blog).pages(declared, 5)) == [("1",)]
    assert source(blog).read(declared, ["1", "2"]).gone == ("2",)


def test_pages_go_on_after_an_id_that_is_gone(blog: Blog) -> None:
    blog.add(*(Post(title=str(number)) for number in range(6)))
    pages = source(blog).pages(schema(Post), 2)
    assert next(pages) == ("1", "2")
    with blog.make.begin() as session:
        session.delete(session.get_one(Post, 2))
        session.delete(session.get_one(Post, 4))
    assert list(pages) == [("3", "5"), ("6",)]
    assert list(source(blog).pages(schema(Post), 10, after="3")) == [("5", "6")]


def test_pages_of_text_ids_leave_out_records_without_one(blog: Blog) -> None:
    blog.add(Page(slug="b", code="y"), Page(slug="a"), Seat(row="r", number=1, label="x"))
    assert list(source(blog).pages(schema(Page, document_id="slug"), 1)) == [("a",), ("b",)]
    assert list(source(blog).pages(schema(Page, document_id="code"), 1)) == [("y",)]
    assert source(blog).count(schema(Page, document_id="code")) == 1
    assert list(source(blog).pages(schema(Seat, document_id="place"), 1)) == [("x-seat",)]
    assert bodies(source(blog).read(schema(Seat, document_id="place"), ["x-seat"])) == {"x-seat": {"place": "x-seat"}}


def test_no_connection_is_held_between_two_pages(blog: Blog) -> None:
    blog.add(*(Post(title=str(number)) for number in range(4)))
    out: list[int] = []
    event.listen(blog.engine, "checkout", lambda *args: out.append(1))
    event.listen(blog.engine, "checkin", lambda *args: out.pop())
    for _ in source(blog).pages(schema(Post), 2):
        assert out == []


def test_a_record_that_cannot_be_projected_fails_alone(blog: Blog) -> None:
    blog.add(Page(slug="good"), Page(slug="not an id"))
    found = source(blog).read(schema(Page, document_id="slug"), ["good", "not an id"])
    assert list(found.documents) == ["good"]
    failure = found.failures["not an id"]
    assert (failure.reason_class, failure.permanent, failure.code) == (
        ReasonClass.VALIDATION,
        True,
        "invalid_document_id",
    )


def test_an_error_of_the_models_own_code_is_named_by_its_class_and_place_alone(blog: Blog) -> None:
    blog.add(Post(title="a secret"))

    def refuse(post: Post) -> bool:
        raise ValueError(post.title)

    failure = source(blog).read(schema(Post, index_if=refuse), ["1"]).failures["1"]
    assert (failure.reason_class, failure.permanent) == (ReasonClass.SOURCE, False)
    line = refuse.__code__.co_firstlineno + 1
    assert failure.reason == f"its projection raised ValueError at {__file__}:{line} in refuse"
    told = Source(lambda: sessionmaker(blog.engine), exception_text=True)
    failure = told.read(schema(Post, index_if=refuse), ["1"]).failures["1"]
    assert failure.reason.endswith(" in refuse: a secret")


def test_a_database_that_does_not_answer_is_no_fault_of_a_record(blog: Blog) -> None:
    blog.add(Post(title="one"))
    with blog.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE tag")

    def touch(post: Post) -> bool:
        return bool(post.tags) or True

    with pytest.raises(SourceError, match=r"the records of Post could not be read \(OperationalError\)"):
        source(blog).read(schema(Post, index_if=touch), ["1"])
    gone = create_engine("sqlite:////nowhere/at/all.db")
    maker = sessionmaker(gone)
    with pytest.raises(SourceError):
        Source(lambda: maker).count(schema(Post))
    gone.dispose()


def test_a_projection_that_changes_its_record_writes_nothing(blog: Blog) -> None:
    blog.add(Post(title="one"))

    def meddle(post: Post) -> bool:
        post.title = "meddled"
        return bool(post.tags) or True

    blog.statements.clear()
    source(blog).read(schema(Post, index_if=meddle), ["1"])
    assert [one for one in blog.statements if not one.startswith("SELECT")] == []


def test_a_wrong_declaration_shows_at_the_first_read(blog: Blog) -> None:
    with pytest.raises(SchemaError, match="did you mean 'title'"):
        source(blog).read(schema(Post, fields=["titel"]), ["1"])


def test_on_a_connection_its_uncommitted_records_are_read(blog: Blog) -> None:
    with blog.engine.connect() as connection, connection.begin() as outer:
        with Session(connection) as session:
            session.add(Post(title="one"))
            session.flush()
            assert list(source(blog).on(connection).read(schema(Post), ["1"]).documents) == ["1"]
        outer.rollback()


def test_an_id_to_go_on_after_has_to_be_one(blog: Blog) -> None:
    with pytest.raises(SourceError, match="Post has no id 'x'"):
        list(source(blog).pages(schema(Post), 5, after="x"))


def test_a_select_that_lifts_a_scope_is_counted_and_parted_under_the_same_options(blog: Blog) -> None:
    blog.add(Post(title="seen", status="published"), Post(title="hidden"))
    lifted = schema(Post, fields=["title"], select=lambda: select(Post).execution_options(with_drafts=True))
    scoped = schema(Post, fields=["title"])

    class Own(Session):
        pass

    def only_published(state: ORMExecuteState) -> None:
        if state.is_select and not state.execution_options.get("with_drafts"):
            state.statement = state.statement.options(with_loader_criteria(Post, Post.status == "published"))

    event.listen(Own, "do_orm_execute", only_published)
    reader = source(blog, class_=Own)
    for one, expected in ((lifted, {"1", "2"}), (scoped, {"1"})):
        assert set(reader.read(one, ["1", "2"]).documents) == expected
        assert reader.present(one, ["1", "2"]) == expected
        assert reader.count(one) == len(expected)
        assert {id for page in reader.pages(one, 10) for id in page} == expected
