"""The shop that pages speak of where they declare nothing themselves: posts, pages and products."""

from __future__ import annotations

from datetime import UTC, datetime

from shop_base import Base, Session, app, engine, search
from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["Base", "Page", "Post", "Product", "Session", "app", "engine", "fill", "search"]


@search.schema(
    fields=["title", "body"],
    filterable=["price", "rating", "colours", "deleted_at", "subtitle", "_geo"],
    sortable=["published_at", "price", "id", "_geo"],
    faceting={"attributes": ["status", "author", "tags"]},
    settings={"synonyms": {"tea": ["chai"]}},
)
class Post(Base):
    """What is searched on most pages."""

    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str] = mapped_column(default="")
    subtitle: Mapped[str | None]
    author: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="draft")
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    colours: Mapped[list[str]] = mapped_column(JSON, default=list)
    price: Mapped[float] = mapped_column(default=0.0)
    rating: Mapped[float] = mapped_column(default=0.0)
    published_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None] = mapped_column(default=lambda: datetime.now(UTC))
    deleted_at: Mapped[datetime | None]
    latitude: Mapped[float] = mapped_column(default=59.9)
    longitude: Mapped[float] = mapped_column(default=10.7)

    @property
    def _geo(self) -> dict[str, float]:
        return {"lat": self.latitude, "lng": self.longitude}


@search.schema(fields=["title"])
class Page(Base):
    """A second index."""

    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


@search.schema(fields=["title"])
class Product(Base):
    """A third."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def fill() -> None:
    """Put some records into the tables, as if they had been there for long."""
    titles = ["Hello tea", "Green tea", "A kettle", "Tea and cake", "Nothing of the kind"]
    with Session.begin() as session:
        for number, title in enumerate(titles):
            post = Post(
                title=title,
                author=("Ann", "Bob")[number % 2],
                status=("published", "draft")[number % 2],
                tags=["red", "blue"][: 1 + number % 2],
                price=10.0 + number,
                rating=4.5,
                published_at=datetime(2026, 11, 1 + number),
            )
            session.add_all([post, Page(title=title), Product(title=title)])
