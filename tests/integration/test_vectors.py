"""Vectors that another hand writes into documents: kept by syncs, backfills, repairs and rebuilds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.convergence.executor import await_tasks
from scrypath_celery.testing.engine import EngineUnderTest


class Base(DeclarativeBase):
    """The models."""


class Song(Base):
    """A record whose document others complete."""

    __tablename__ = "songs"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


@pytest.fixture
def search(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Scrypath]:
    """An application whose schema declares an embedder that is given its vectors."""
    database = create_engine(f"sqlite:///{tmp_path / 'songs.db'}")
    opened = Scrypath(database=database, **scrypath_engine.options)
    embedder = {"source": "userProvided", "dimensions": 2}
    opened.schema(fields=["title"], settings={"embedders": {"sound": embedder}})(Song)
    Base.metadata.create_all(database)
    opened.ledger.create_all()
    yield opened
    database.dispose()


def write(search: Scrypath, *ids: int, title: str = "a title") -> None:
    with Session(search.ledger.database) as session:
        search.sync_records([session.merge(Song(id=id, title=title)) for id in ids], session=session)
        session.commit()
    outcome = search.drain()
    assert not outcome.failed
    assert outcome.paused is None


def embed(search: Scrypath, id: int) -> None:
    """Write vectors as another application would: by a partial update of a document that is there."""
    task = search.meilisearch.index(Song).update_documents([{"id": id, "_vectors": {"sound": [0.5, 0.25]}}], "id")
    assert await_tasks(search.runtime, [task.task_uid])[task.task_uid].status == "succeeded"


def vectors(search: Scrypath, *ids: int) -> dict[str, Any]:
    """The vectors of these documents, in one shape."""
    runtime = search.runtime
    held = runtime.engine.vectors(runtime.uid_of(search.schemas.of(Song)), [str(id) for id in ids], key="id")
    found = {id: one.get("sound") for id, one in held.items()}
    plain = {id: one["embeddings"] if isinstance(one, dict) else one for id, one in found.items()}
    return {
        id: [part for one in value or [] for part in (one if isinstance(one, list) else [one])]
        for id, value in plain.items()
    }


def test_a_new_document_that_nobody_embedded_yet_is_taken(search: Scrypath) -> None:
    write(search, 1, 2)
    assert vectors(search, 1, 2) == {"1": [], "2": []}


def test_a_sync_and_a_backfill_leave_the_vectors_of_others_alone(search: Scrypath) -> None:
    write(search, 1, 2)
    embed(search, 1)
    write(search, 1, title="another")
    search.backfill(Song, sync_mode="inline")
    assert vectors(search, 1, 2) == {"1": [0.5, 0.25], "2": []}


def test_a_rebuild_carries_the_vectors_of_others_over(search: Scrypath) -> None:
    write(search, 1, 2, 3)
    embed(search, 1)
    embed(search, 3)
    assert search.reindex(Song, sync_mode="inline").cut_over
    assert vectors(search, 1, 2, 3) == {"1": [0.5, 0.25], "2": [], "3": [0.5, 0.25]}


def test_vectors_are_no_difference_and_a_repair_leaves_them_alone(search: Scrypath) -> None:
    write(search, 1, 2)
    embed(search, 1)
    assert not search.verify(Song).differs
    by_hand = orjson.dumps([{"id": 1, "title": "by hand", "_vectors": {"sound": [0.5, 0.25]}}])
    runtime = search.runtime
    uid = runtime.engine.add(runtime.uid_of(search.schemas.of(Song)), by_hand, key="id", token="by hand")
    await_tasks(runtime, [uid])
    found = search.repair(Song)
    assert found.verification.fields == {"1": ("title",)}
    search.drain()
    assert vectors(search, 1) == {"1": [0.5, 0.25]}
    assert not search.verify(Song).differs
