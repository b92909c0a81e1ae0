"""Tracked sessions follow fan-outs and link rows, whichever side is changed, and by whatever statement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Table, bindparam, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from scrypath_celery.declaration.fan_out import FanOut
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import SchemaError
from scrypath_celery.work import Operation
from tests.related.library import Author, Book, Copy, Library, Review, Shelf, Tag, book_tags, open_library

Change = Callable[[Session], Any]


def set_name(model: Any) -> Change:
    def change(session: Session) -> None:
        session.get_one(model, 1).name = "changed"

    return change


def set_by_database(model: Any, attribute: str) -> Change:
    def change(session: Session) -> None:
        setattr(session.get_one(model, 1), attribute, getattr(model, attribute) + "!")

    return change


def statement(made: Any, parameters: Any = None) -> Change:
    return lambda session: session.execute(made, parameters)


def deleted(model: Any, *key: Any) -> Change:
    return lambda session: session.delete(session.get_one(model, key if len(key) > 1 else key[0]))


def append_tag(session: Session) -> None:
    tag = session.get_one(Tag, 2)
    tag.books.append(session.get_one(Book, 1))


def remove_book(session: Session) -> None:
    tag = session.get_one(Tag, 1)
    tag.books.remove(session.get_one(Book, 1))


def clear_books(session: Session) -> None:
    tag = session.get_one(Tag, 1)
    tag.books.clear()


def clear_tags(session: Session) -> None:
    book = session.get_one(Book, 1)
    book.tags.clear()


def move_author(session: Session) -> None:
    author = Author(name="Bob")
    author.books.append(session.get_one(Book, 1))
    session.add(author)


def review(session: Session) -> None:
    session.add(Review(book=session.get_one(Book, 1), reader=1, text="fine"))


def move_copy(session: Session) -> None:
    session.get_one(Copy, 1).book_id = 2


FLUSHED: dict[str, Change] = {
    "an author is renamed": set_name(Author),
    "an author is renamed by an expression of SQL": set_by_database(Author, "name"),
    "a book is renamed by an expression of SQL": set_by_database(Book, "title"),
    "a tag is renamed": set_name(Tag),
    "a shelf is renamed": set_name(Shelf),
    "an author is deleted": deleted(Author, 1),
    "a tag is deleted": deleted(Tag, 1),
    "a book is added to a tag": append_tag,
    "a book is removed from a tag": remove_book,
    "all books are removed from a tag": clear_books,
    "all tags are removed from a book": clear_tags,
    "a book gets a new author": move_author,
    "a book is reviewed": review,
}


@pytest.mark.parametrize("name", FLUSHED)
def test_what_a_flush_changes_reaches_related_documents(name: str, tracked: Library) -> None:
    with tracked.make() as session:
        FLUSHED[name](session)
        session.commit()
    assert tracked.works(Operation.FAN_OUT, Operation.UPSERT)[1:]
    assert tracked.drained().differing() == []


TAGS = cast(Table, Tag.__table__)
STATEMENTS: dict[str, Change] = {
    "authors are renamed": statement(update(Author).values(name="all")),
    "a tag is renamed by its key": statement(update(Tag), [{"id": 1, "name": "by key"}]),
    "an author is deleted": statement(delete(Author).where(Author.id == 1)),
    "tags are deleted": statement(delete(Tag).where(Tag.name == bindparam("given")), {"given": "red"}),
    "a table's rows are deleted": statement(delete(TAGS).where(TAGS.c.id == 1)),
    "a link is inserted": statement(insert(book_tags).values(book_id=1, tag_id=2)),
    "links are inserted": statement(insert(book_tags), [{"book_id": 1, "tag_id": 2}, {"book_id": 3, "tag_id": 2}]),
    "links are inserted at once": statement(insert(book_tags).values([{"book_id": 2, "tag_id": 2}])),
    "links are copied": statement(insert(book_tags).from_select(["book_id", "tag_id"], select(Book.id, literal(2)))),
    "links are deleted": statement(delete(book_tags).where(book_tags.c.book_id == 1)),
    "all links are deleted": statement(delete(book_tags)),
    "a link is changed": statement(update(book_tags).where(book_tags.c.book_id == 1).values(tag_id=2)),
    "a review is inserted": statement(insert(Review).values(book_id=2, reader=1, text="good")),
    "reviews are inserted": statement(insert(Review), [{"book_id": 2, "reader": n, "text": "good"} for n in (1, 2)]),
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_a_statement_changes_reaches_related_documents(name: str, tracked: Library) -> None:
    with tracked.make() as session:
        STATEMENTS[name](session)
        session.commit()
    assert tracked.drained().differing() == []


REVIEWED: dict[str, Change] = {
    "a review is changed": lambda session: setattr(session.get_one(Review, (1, 1)), "text", "changed"),
    "a review is deleted": deleted(Review, 1, 1),
    "reviews are changed by a statement": statement(update(Review).values(text="changed")),
    "a review moves by a statement": statement(update(Review).where(Review.reader == 1).values(book_id=3)),
    "reviews are deleted by a statement": statement(delete(Review)),
}


@pytest.mark.parametrize("name", REVIEWED)
def test_who_refers_to_a_record_reaches_its_document(name: str, tracked: Library) -> None:
    with tracked.make() as session:
        review(session)
        session.commit()
    assert tracked.drained().differing() == []
    with tracked.make() as session:
        REVIEWED[name](session)
        session.commit()
    assert tracked.drained().differing() == []


def test_who_is_given_to_another_record_reaches_both_documents(tracked: Library) -> None:
    with tracked.make() as session:
        session.add(Copy(id=1, book_id=1))
        session.add(Copy(id=2))
        session.commit()
    tracked.drained()
    with tracked.make() as session:
        move_copy(session)
        session.commit()
    assert tracked.works(Operation.UPSERT)[-1].ids == ("1", "2")


@pytest.mark.filterwarnings("ignore:documents of Book may show Tag")
@pytest.mark.parametrize("change", ["deleted", "deleted by a statement", "reviewed"])
def test_declared_chains_are_followed_from_what_only_the_session_knows(change: str, tmp_path: Path) -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"], fan_outs=["tags"])
    schemas.add(Tag, fields=["name"])
    schemas.add_owner(Author, {"books": FanOut(resolve="books", chain=True)})
    schemas.add_owner(Review, {"book": FanOut(resolve="book", chain=True)})
    library = open_library(f"sqlite:///{tmp_path / 'library.db'}", schemas)
    library.fill()
    library.tracker.track(library.make)
    changes = {"deleted": deleted(Author, 1), "deleted by a statement": statement(delete(Author)), "reviewed": review}
    with library.make() as session:
        changes[change](session)
        session.commit()
    chained = [work for work in library.works(Operation.FAN_OUT) if work.fan_out == "Book.tags"]
    assert [work.ids for work in chained] == [("1",) if change == "reviewed" else ("1", "2", "3")]
    assert library.drained().differing() == []
    assert [work.ids for work in library.works(Operation.UPSERT) if work.index_uid == "tag"] == [("1",)]
    library.tracker.untrack(library.make)
    library.engine.dispose()


def test_a_change_that_no_document_is_related_to_writes_nothing(tracked: Library) -> None:
    with tracked.make() as session:
        session.add(Author(name="nobody"))
        session.get_one(Author, 1).name = "Ann"
        session.add(Copy(id=1))
        session.commit()
    assert [work.ids for work in tracked.works(Operation.FAN_OUT)] == [("2",)]


def test_a_paused_session_follows_nothing(tracked: Library) -> None:
    before = len(tracked.works())
    with tracked.make() as session, tracked.capture.capture_disabled():
        session.get_one(Author, 1).name = "changed"
        session.execute(delete(book_tags))
        session.commit()
    assert len(tracked.works()) == before


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_links_that_only_the_database_knows_are_refused_by_name(database_url: str) -> None:
    library = open_library(database_url)
    library.fill()
    library.tracker.track(library.make)
    moved = update(book_tags).values(book_id=book_tags.c.book_id + 0)
    with library.make() as session, pytest.raises(SchemaError, match=r"book_tags cannot be tracked.*capture_disabled"):
        session.execute(moved)
    library.tracker.untrack(library.make)
    library.engine.dispose()


@pytest.mark.filterwarnings("ignore:documents of Book may show")
@pytest.mark.parametrize(("depends_on", "followed"), [(["id"], 0), (["name"], 1)])
def test_a_fan_out_follows_changes_of_what_it_depends_on_alone(
    tmp_path: Path, depends_on: list[str], followed: int
) -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"])
    schemas.add_owner(Author, {"books": FanOut(depends_on=depends_on)})
    library = open_library(f"sqlite:///{tmp_path / 'library.db'}", schemas)
    library.fill()
    library.tracker.track(library.make)
    with library.make() as session:
        session.add(Author(name="new"))
        session.commit()
    assert len(library.works(Operation.FAN_OUT)) == 1
    with library.make() as session:
        set_name(Author)(session)
        session.commit()
    assert len(library.works(Operation.FAN_OUT)) == 1 + followed
    library.engine.dispose()
