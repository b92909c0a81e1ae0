"""The catalogue's records, and how they are searched."""

from __future__ import annotations

import os
from decimal import Decimal

from sqlalchemy import Engine, Numeric, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from scrypath_celery import Scrypath
from scrypath_celery.ledger import sqlite

engine: Engine = create_engine(os.environ.get("CATALOGUE_DATABASE", "sqlite:///catalogue.db"))
if engine.dialect.name == "sqlite":
    sqlite.configure(engine)
Session = sessionmaker(engine)
search = Scrypath(database=Session, sync_mode="inline")


class Base(DeclarativeBase):
    """All tables of the catalogue."""


@search.schema(
    fields=["title", "author"],
    filterable=["price"],
    sortable=["price", "title", "id"],
    faceting={"attributes": ["genre", "author"], "sortFacetValuesBy": {"*": "count"}},
)
class Book(Base):
    """A book that is on sale."""

    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    author: Mapped[str] = mapped_column(String(200))
    genre: Mapped[str] = mapped_column(String(50))
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))


BOOKS = [
    ("The Left Hand of Darkness", "Ursula K. Le Guin", "novel", "12.50"),
    ("The Dispossessed", "Ursula K. Le Guin", "novel", "14.00"),
    ("Words Are My Matter", "Ursula K. Le Guin", "essays", "18.00"),
    ("A Room of One's Own", "Virginia Woolf", "essays", "9.90"),
    ("To the Lighthouse", "Virginia Woolf", "novel", "11.00"),
    ("Ariel", "Sylvia Plath", "poems", "10.00"),
]


def fill() -> None:
    """Make the tables and put some books into them, searchable when this returns."""
    Base.metadata.create_all(engine)
    search.ledger.create_all()
    with Session() as session:
        books = [
            Book(title=title, author=author, genre=genre, price=Decimal(price)) for title, author, genre, price in BOOKS
        ]
        session.add_all(books)
        search.sync_records(books, session=session)
        session.commit()


if __name__ == "__main__":
    fill()
