"""A small library that tests search in: articles, pages, and tickets that belong to tenants."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, Engine, ForeignKey, Numeric, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import StaticPool

from scrypath_celery import Scrypath, facet_levels
from scrypath_celery.testing.engine import EngineUnderTest


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: String(200)}


class Status(enum.Enum):
    DRAFT = "draft"
    PUBLISHED = "published"


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Article(Base):
    __tablename__ = "article"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    status: Mapped[Status]
    writer: Mapped[str]
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    published_at: Mapped[datetime | None]
    tags: Mapped[list[str]] = mapped_column(JSON)
    shelf: Mapped[str]
    lat: Mapped[float | None]
    lng: Mapped[float | None]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author | None] = relationship()

    @property
    def _geo(self) -> dict[str, float] | None:
        return None if self.lat is None or self.lng is None else {"lat": self.lat, "lng": self.lng}

    @property
    def section(self) -> dict[str, str]:
        return facet_levels(*self.shelf.split("/"))


class Page(Base):
    __tablename__ = "page"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str]
    title: Mapped[str]


class Ticket(Base):
    __tablename__ = "ticket"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    state: Mapped[str]
    org: Mapped[str]


def article(id: int, title: str, **values: Any) -> Article:
    """An article with what a test does not care for filled in."""
    plain = {
        "status": Status.DRAFT,
        "writer": "Ann",
        "price": Decimal("10"),
        "published_at": None,
        "tags": [],
        "shelf": "Books",
        "lat": None,
        "lng": None,
    }
    return Article(id=id, title=title, **{**plain, **values})


def articles() -> list[Article]:
    """The articles of the tests."""
    return [
        article(1, "Red kettle", status=Status.PUBLISHED, price=Decimal("19.50"), tags=["red", "hot"], shelf="Home/Tea",
                published_at=datetime(2026, 5, 1, 12), lat=59.91, lng=10.75),
        article(2, "Blue kettle", writer="Bob", tags=["blue", "hot"], shelf="Home/Tea", lat=60.39, lng=5.32),
        article(3, "Green kettle", writer="Ann Lee", status=Status.PUBLISHED, price=Decimal("42"), tags=["green"],
                shelf="Home/Garden", published_at=datetime(2026, 7, 1)),
        article(4, "Poems about kettles", writer="Cid", price=Decimal("5.25"), shelf="Books/Poetry"),
        article(5, "Garden chair", writer="Bob", status=Status.PUBLISHED, price=Decimal("42"), shelf="Home/Garden",
                published_at=datetime(2026, 6, 1)),
    ]  # fmt: skip


@dataclass
class Library:
    """One library: its database, and the `Scrypath` that searches it."""

    search: Scrypath
    database: Engine

    def session(self) -> Session:
        return Session(self.database)

    def add(self, *records: Any) -> None:
        """Save records and index them."""
        with self.session() as session:
            session.add_all(records)
            self.search.sync_records(records, session=session)
            session.commit()
        self.drain()

    def drain(self) -> None:
        while self.search.drain().claims:
            pass


@contextmanager
def open_library(engine: EngineUnderTest, **options: Any) -> Iterator[Library]:
    """A library in a database of its own, with empty indexes on an engine."""
    database = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    search = Scrypath(database=database, **{**engine.options, **options})
    search.schema(
        fields=["title"],
        filterable=["status", "writer", "price", "published_at", "tags", "section", "_geo"],
        sortable=["price", "title", "id", "_geo"],
        faceting={"attributes": ["status", "writer", "tags", "price", "section.lvl0", "section.lvl1"]},
    )(Article)
    search.schema(fields=["title"], document_id="slug")(Page)
    search.schema(fields=["title"], filterable=["state"], tenant_field="org")(Ticket)
    Base.metadata.create_all(database)
    search.ledger.create_all()
    yield Library(search, database)
    database.dispose()
