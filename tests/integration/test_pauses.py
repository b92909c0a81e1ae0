"""An index that cannot be worked on waits as it is, and nobody else waits with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from scrypath_celery import Scrypath, State
from scrypath_celery.ledger import indexes, works
from scrypath_celery.testing.engine import EngineUnderTest


class Base(DeclarativeBase):
    """The base of both."""


class Book(Base):
    """One of two searchable classes."""

    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


class Film(Base):
    """The other."""

    __tablename__ = "films"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def test_the_trouble_of_one_schema_does_not_hold_up_another(tmp_path: Path, scrypath_engine: EngineUnderTest) -> None:
    if scrypath_engine.embedded is None:
        pytest.skip("a real engine refuses nothing on demand")
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    session = sessionmaker(engine)
    search = Scrypath(database=session, pause_max=0.2, **scrypath_engine.options)
    for model in (Book, Film):
        search.schema(fields=["title"])(model)
    Base.metadata.create_all(engine)
    search.ledger.create_all()
    fault = scrypath_engine.embedded.faults.add("refuse", status=422, path="/indexes/books/documents*")
    with session.begin() as writing:
        _write(search, writing)

    search.drain()
    counts = search.ledger.run(works.counts)
    assert counts == {"books": {State.PENDING: 1}}
    found = search.ledger.run(lambda tx: indexes.get(tx, "books"))
    assert found is not None
    assert found.pause is not None
    assert [work.attempts for work in search.ledger.run(lambda tx: works.listed(tx, [State.PENDING]))] == [0]
    with session() as reading:
        assert len(search.search(Film, "title", session=reading)) == 1

    fault.remove()
    search.ledger.run(lambda tx: indexes.resume(tx, "books"))
    search.drain()
    assert search.ledger.run(works.counts) == {}
    engine.dispose()


def _write(search: Scrypath, session: Session) -> None:
    for record in (Book(id=1, title="a title"), Film(id=1, title="a title")):
        session.add(record)
        search.sync_record(record, session=session)
