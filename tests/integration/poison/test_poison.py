"""One poisonous document among many: all others are searchable, and one dead letter says what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.convergence.executor import await_tasks
from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.ledger import sqlite, transitions, works
from scrypath_celery.work import OPEN, ReasonClass, State, Work
from tests.chaos.long import LONG
from tests.deadline import eventually

CHANGES, POISON = 10_000 if LONG else 2_000, "13"


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))


@pytest.fixture
def meilisearch() -> Iterator[EmbeddedEngine]:
    """An engine that takes a while for each batch."""
    with EmbeddedEngine(batch_cost=0.02) as engine:
        yield engine


@pytest.fixture
def search(tmp_path: Path, meilisearch: EmbeddedEngine) -> Iterator[Scrypath]:
    database = sqlite.configure(create_engine(f"sqlite:///{tmp_path / 'application.db'}"))
    # Many small payloads, several of them in every batch of the engine.
    search = Scrypath(database=database, meilisearch_url=meilisearch.url, claim_documents=1_000, payload_bytes=5_000)
    search.schema(fields=["title"])(Post)
    Base.metadata.create_all(database)
    search.ledger.create_all()
    yield search
    database.dispose()


def change(search: Scrypath, *, together: bool) -> None:
    """Commit all changes: with one call, or with a call for each."""
    with Session(search.ledger.database) as session:
        posts = [Post(id=number, title=f"title {number}") for number in range(1, CHANGES + 1)]
        session.add_all(posts)
        if together:
            search.sync_records(posts, session=session)
        else:
            for post in posts:
                search.sync_record(post, session=session)
        session.commit()


def settle(search: Scrypath) -> list[Work]:
    """Run all work, with the waits that it asks for, until none is open; the dead letters."""

    def is_settled() -> bool:
        search.drain()
        return search.ledger.run(lambda tx: works.listed(tx, OPEN)) == []

    eventually(is_settled, what="all work is settled")
    return search.ledger.run(lambda tx: works.listed(tx, [State.FAILED]))


def merge_the_first(search: Scrypath, meilisearch: EmbeddedEngine) -> threading.Thread:
    """Let the engine begin no batch before several payloads wait, the poisonous one among them."""
    await_tasks(search.runtime, [search.runtime.engine.create("post", "id")])
    meilisearch.freeze()

    def thaw() -> None:
        waiting = partial(search.runtime.engine.count_tasks, statuses=["enqueued"])
        try:
            eventually(lambda: waiting() >= 3, what="several payloads wait in the engine")
        finally:
            meilisearch.thaw()

    thread = threading.Thread(target=thaw)
    thread.start()
    return thread


def documents(search: Scrypath) -> set[str]:
    """The ids of all documents in the index."""
    return {id for page in search.runtime.engine.ids("post", "id", page=5_000) for id in page}


def assert_that_one_is_dead(search: Scrypath, failed: list[Work], code: str) -> None:
    (letter,) = failed
    assert (letter.left, letter.reason_class, letter.error_code) == ((POISON,), ReasonClass.VALIDATION, code)
    assert letter.reason is not None
    assert f"Post {POISON}: " in letter.reason
    assert code in letter.reason
    assert documents(search) == {str(number) for number in range(1, CHANGES + 1)} - {POISON}


@pytest.mark.parametrize(
    ("fault", "together"),
    [
        pytest.param({"code": "invalid_document_fields"}, True, id="fails its own payload"),
        pytest.param({"code": "missing_document_id"}, True, id="fails with a code that concerns a task alone"),
        pytest.param({"code": "invalid_document_geo_field", "whole_batch": True}, False, id="fails all that is merged"),
    ],
)
def test_all_but_the_poisonous_document_are_searchable(
    search: Scrypath, meilisearch: EmbeddedEngine, fault: dict[str, Any], together: bool
) -> None:
    poison = meilisearch.faults.add("fail_task", document=POISON, index="post", **fault)
    change(search, together=together)
    merging = merge_the_first(search, meilisearch)
    failed = settle(search)
    merging.join()
    assert_that_one_is_dead(search, failed, fault["code"])
    innocent = search.runtime.engine.count_tasks(statuses=["failed"]) - poison.hits
    assert (innocent > 0) == fault.get("whole_batch", False)

    poison.remove()
    search.ledger.run(lambda tx: transitions.move_one(tx, failed[0].id, State.PENDING))
    assert settle(search) == []
    assert len(documents(search)) == CHANGES
