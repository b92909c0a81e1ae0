"""An index that cannot be worked on waits as it is, and nobody else waits with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from scrypath_celery import Scrypath, State
from scrypath_celery.convergence.executor import await_tasks
from scrypath_celery.ledger import indexes, works
from scrypath_celery.testing.engine import EngineUnderTest
from tests.deadline import eventually


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


KEYS = {"another attribute": "slug", "an attribute that nobody has": "nothing", "the same in capitals": "ID"}


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_rebuild_ends_a_pause_for_which_the_live_index_itself_is_the_reason(
    tmp_path: Path, scrypath_engine: EngineUnderTest, key: str
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    search = Scrypath(database=engine, pause_max=30.0, **scrypath_engine.options)
    search.schema(fields=["title"])(Book)
    Base.metadata.create_all(engine)
    search.ledger.create_all()
    live = search.runtime.engine_uid("books")
    await_tasks(search.runtime, [search.runtime.engine.create(live, key)])
    foreign = b'[{"' + key.encode() + b'": "7", "title": "foreign"}]'
    await_tasks(search.runtime, [search.runtime.engine.add(live, foreign, key=key, token="another")])
    with Session(engine) as writing:
        for number in range(1, 4):
            writing.add(Book(id=number, title="a title"))
        search.sync_records(list(writing.new), session=writing)
        writing.commit()

    search.drain()
    report = search.reconcile_sync(Book).indexes[0]
    assert report.pause is not None
    assert "reindex" in report.pause.reason
    assert "reindex" in [action.name for action in report.actions]
    assert search.ledger.run(works.counts)["books"] == {State.PENDING: 1}
    assert search.runtime.engine.stats(live)["numberOfDocuments"] == 1  # type: ignore[index]

    assert search.reindex(Book, cutover=True).cut_over
    search.drain()
    after = search.reconcile_sync(Book).indexes[0]
    assert after.pause is None
    assert search.ledger.run(works.counts) == {}
    assert {id for page in search.runtime.engine.ids(live, "id") for id in page} == {"1", "2", "3"}
    engine.dispose()


def test_the_next_probe_is_when_the_index_is_tried_again(tmp_path: Path, scrypath_engine: EngineUnderTest) -> None:
    if scrypath_engine.embedded is None:
        pytest.skip("a real engine refuses nothing on demand")
    engine = create_engine(f"sqlite:///{tmp_path / 'shop.db'}")
    search = Scrypath(database=engine, pause_max=0.4, **scrypath_engine.options)
    search.schema(fields=["title"])(Book)
    Base.metadata.create_all(engine)
    search.ledger.create_all()
    fault = scrypath_engine.embedded.faults.add("refuse", status=503, retry_after=0, path="/indexes/books*")
    with Session(engine) as writing:
        writing.add(Book(id=1, title="a title"))
        search.sync_records(list(writing.new), session=writing)
        writing.commit()
    search.drain()
    for _ in range(3):
        told, hits = search.sync_status(Book).indexes[0].pause, fault.hits
        assert told is not None
        assert told.next_probe is not None

        def has_probed(hits: int = hits) -> bool:
            search.drain()
            return fault.hits > hits

        eventually(has_probed, what="it was probed")
        at = datetime.now(UTC)
        assert told.next_probe - timedelta(seconds=0.1) <= at <= told.next_probe + timedelta(seconds=5)
    engine.dispose()


def _write(search: Scrypath, session: Session) -> None:
    for record in (Book(id=1, title="a title"), Film(id=1, title="a title")):
        session.add(record)
        search.sync_record(record, session=session)
