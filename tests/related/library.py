"""A tiny library: books with authors, tags, reviews and shelves, over an engine in memory."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from sqlalchemy import Column, Engine, ForeignKey, Select, String, Table, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

from scrypath_celery import FanOut
from scrypath_celery.capture.capture import Capture
from scrypath_celery.capture.inline import drain
from scrypath_celery.capture.track import Tracker
from scrypath_celery.config import Options
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.ledger import Ledger, sqlite, works
from scrypath_celery.runtime import Runtime
from scrypath_celery.source import Source
from scrypath_celery.work import Operation, State, Work
from tests.convergence.engine import MemoryEngine


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: String(200)}


book_tags = Table(
    "book_tags",
    Base.metadata,
    Column("book_id", ForeignKey("book.id", ondelete="CASCADE"), primary_key=True),
    Column("tag_id", ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True),
)


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship(back_populates="author", passive_deletes="all")


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship(secondary=book_tags)


class Shelf(Base):
    __tablename__ = "shelf"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id", ondelete="SET NULL"))
    shelf_id: Mapped[int | None] = mapped_column(ForeignKey("shelf.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")
    tags: Mapped[list[Tag]] = relationship(secondary=book_tags, overlaps="books")
    reviews: Mapped[list[Review]] = relationship(back_populates="book")

    def search_document(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title,
            "author": self.author.name if self.author else None,
            "tags": sorted(tag.name for tag in self.tags),
            "reviews": sorted(review.text for review in self.reviews),
        }


class Review(Base):
    """Its key is composite, as association objects have it."""

    __tablename__ = "review"
    book_id: Mapped[int] = mapped_column(ForeignKey("book.id"), primary_key=True)
    reader: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    book: Mapped[Book] = relationship(back_populates="reviews")


class Copy(Base):
    """It refers to its book, and can be given to another one."""

    __tablename__ = "copy"
    id: Mapped[int] = mapped_column(primary_key=True)
    book_id: Mapped[int | None] = mapped_column(ForeignKey("book.id"))
    book: Mapped[Book | None] = relationship()


def on_shelf(shelf: Shelf) -> Select[Any]:
    return select(Book).where(Book.shelf_id == shelf.id)


def declared() -> Schemas:
    """The library's schemas, declared anew."""
    schemas = Schemas()
    schemas.add(Book, fields=["title"], depends_on=["title", "author_id"])
    schemas.add_owner(Author, ["books"])
    schemas.add(Tag, fields=["name"], fan_outs={"books": FanOut(target=Book)})
    schemas.add_owner(Shelf, {"books": FanOut(target="Book", resolve=on_shelf)})
    schemas.add_owner(Review, ["book"])
    schemas.add_owner(Copy, ["book"])
    return schemas


@dataclass
class Library:
    """One database with its ledger, and what a `Scrypath` would build on it."""

    engine: Engine
    make: sessionmaker[Session]
    runtime: Runtime
    index: MemoryEngine
    published: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runtime = replace(self.runtime, publish=lambda uid, ids, **about: self.published.append((uid, ids)))
        self.capture = Capture(lambda: self.runtime)
        self.tracker = Tracker(self.runtime.schemas, self.capture)

    def fill(self, books: int = 3) -> None:
        """Books of one author, with one tag, on one shelf; indexed."""
        with self.make() as session, self.capture.capture_disabled():
            author, red, blue = Author(name="Ann"), Tag(name="red"), Tag(name="blue")
            shelf = Shelf(name="top")
            session.add_all([author, red, blue, shelf])
            session.flush()
            session.add_all(
                Book(id=id, title=f"book {id}", author=author, tags=[red], shelf_id=shelf.id)
                for id in range(1, books + 1)
            )
            session.commit()
        with self.make() as session:
            self.capture.sync_records(session.scalars(select(Book)).all(), session=session)
            session.commit()
        drain(self.runtime)
        self.published.clear()
        assert self.differing() == []

    def drained(self) -> Library:
        """All due work is done."""
        drain(self.runtime)
        return self

    def works(self, *operations: Operation, states: tuple[State, ...] = tuple(State)) -> list[Work]:
        """The works of these operations, or of all."""
        found = self.runtime.ledger.read(lambda tx: works.listed(tx, states))
        return [work for work in found if not operations or work.operation in operations]

    def differing(self) -> list[int]:
        """The books whose documents are not what the database says, documents without a book among them."""
        with self.make() as session:
            wanted = {str(book.id): book.search_document() for book in session.scalars(select(Book))}
        held = self.index.indexes.get("book", {})
        return sorted(int(id) for id in wanted.keys() | held.keys() if wanted.get(id) != held.get(id))


def open_library(url: str, schemas: Schemas | None = None) -> Library:
    """A library in an empty database."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        sqlite.configure(engine)
    Base.metadata.create_all(engine)
    ledger = Ledger(lambda: engine)
    ledger.create_all()
    maker = sessionmaker(engine)
    index = MemoryEngine(random.Random(0))
    runtime = Runtime(
        options=Options(backoff=0.001, backoff_max=0.001),
        schemas=schemas or declared(),
        ledger=ledger,
        engine=index,  # type: ignore[arg-type]
        source=Source(lambda: maker),
        publish=lambda uid, ids, **about: None,
    )
    return Library(engine, maker, runtime, index)
