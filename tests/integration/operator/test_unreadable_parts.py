"""What concerns one schema alone makes that one unknown, and leaves the others as they are."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.testing.engine import EngineUnderTest


class Base(DeclarativeBase):
    """The base of both."""


class Book(Base):
    """Its table is gone."""

    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)


class Film(Base):
    """Its table is there."""

    __tablename__ = "films"
    id: Mapped[int] = mapped_column(primary_key=True)


def test_one_table_that_cannot_be_read_leaves_the_other_schema_known(
    tmp_path: Path, scrypath_engine: EngineUnderTest
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    search = Scrypath(database=engine, **scrypath_engine.options)
    for model in (Book, Film):
        search.schema(fields=["id"])(model)
    Base.metadata.tables["films"].create(engine)
    search.ledger.create_all()
    books, films = search.reconcile_sync().indexes
    engine.dispose()
    assert "Book" in str(books.documents.unknown)
    assert (films.documents.unknown, films.documents.database) == (None, 0)


def test_an_index_that_the_engine_refuses_leaves_the_other_one_known(
    tmp_path: Path, scrypath_engine: EngineUnderTest
) -> None:
    if scrypath_engine.embedded is None:
        pytest.skip("a real engine refuses nothing on demand")
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    search = Scrypath(database=engine, **scrypath_engine.options)
    for model in (Book, Film):
        search.schema(fields=["id"])(model)
    search.ledger.create_all()
    scrypath_engine.embedded.faults.add("refuse", path="/tasks*", count=2)  # the backlog, and the first index
    books, films = search.sync_status().indexes
    engine.dispose()
    assert books.engine.unknown is not None
    assert films.engine.unknown is None
