"""A verdict is reached however long a batch of the engine takes, and the index serves other works meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.convergence.relay import relay
from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.ledger import indexes, sqlite, works
from scrypath_celery.work import OPEN, State, Work
from tests.deadline import eventually

GEO = "invalid_document_geo_field"
"""A code with which the engine fails every payload of a batch."""


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200), default="a title")


@contextmanager
def shop(folder: Path, *, batch_cost: float, **options: Any) -> Iterator[tuple[Scrypath, EmbeddedEngine]]:
    """An application whose engine takes so many seconds for each batch; its index is there."""
    database = sqlite.configure(create_engine(f"sqlite:///{folder / 'application.db'}"))
    with EmbeddedEngine(batch_cost=batch_cost) as engine:
        fast: dict[str, Any] = {"backoff": 0.01, "backoff_max": 0.05, "pause_max": 0.2} | options
        search = Scrypath(database=database, meilisearch_url=engine.url, **fast)
        search.schema(fields=["title"])(Post)
        Base.metadata.create_all(database)
        search.ledger.create_all()
        yield search, engine
    database.dispose()


def write(search: Scrypath, ids: range, *, together: bool = False) -> list[int]:
    """Commit these records, with one work or a work for each; the works' ids."""
    with Session(search.ledger.database) as session:
        posts = [Post(id=number) for number in ids]
        session.add_all(posts)
        results = [search.sync_records(posts, session=session)] if together else []
        results += [] if together else [search.sync_record(post, session=session) for post in posts]
        session.commit()
    return [id for result in results for id in result.work_ids]


def settle(search: Scrypath) -> list[Work]:
    """Run works a second at a time, as tasks of workers do, until none is open; the dead letters."""

    def is_settled() -> bool:
        run_ready_works(search.runtime, "post", seconds=1)
        relay(search.runtime, force=True)
        return search.ledger.read(lambda tx: works.listed(tx, OPEN)) == []

    eventually(is_settled, what="all work is settled")
    return search.ledger.read(lambda tx: works.listed(tx, [State.FAILED]))


def documents(search: Scrypath) -> set[str]:
    return {id for page in search.runtime.engine.ids("post", "id") for id in page}


def numbers(ids: range, *without: str) -> set[str]:
    return {str(number) for number in ids} - set(without)


@pytest.mark.parametrize("together", [False, True], ids=["a work for each", "one work"])
@pytest.mark.parametrize("bad", [["7"], ["2", "19"]], ids=["one", "two"])
def test_bad_documents_are_found_where_a_batch_outlasts_the_wait(
    tmp_path: Path, bad: list[str], together: bool
) -> None:
    with shop(tmp_path, batch_cost=0.3, await_seconds=0.1) as (search, engine):
        for id in bad:
            engine.faults.add("fail_task", document=id, code=GEO, whole_batch=True)
        write(search, range(1, 21), together=together)
        failed = settle(search)
        assert sorted(id for work in failed for id in work.left) == sorted(bad)
        assert {work.error_code for work in failed} == {GEO}
        assert documents(search) == numbers(range(1, 21), *bad)


def test_a_verdict_is_reached_where_no_claim_lives_to_see_one(tmp_path: Path) -> None:
    # A claim gives a trial up before the engine has run its first batch: only the ledger knows what was found out.
    with shop(tmp_path, batch_cost=0.3, await_seconds=0.05, task_seconds=0.1) as (search, engine):
        engine.faults.add("fail_task", document="7", code=GEO, whole_batch=True)
        write(search, range(1, 9), together=True)
        failed = settle(search)
        assert [work.left for work in failed] == [("7",)]
        assert documents(search) == numbers(range(1, 9), "7")


def test_other_works_of_the_index_are_served_while_a_payload_is_on_trial(tmp_path: Path) -> None:
    with shop(tmp_path, batch_cost=0.3, await_seconds=0.1) as (search, engine):
        engine.faults.add("fail_task", document="7", code=GEO, whole_batch=True)
        write(search, range(1, 41))
        trial = threading.Thread(target=settle, args=(search,))
        trial.start()
        try:
            eventually(lambda: is_on_trial(search), what="the documents are on trial")
            (other,) = write(search, range(100, 101))
            # Whichever of the two takes it: between its steps, the trial lets its process look for what else is ready.
            run_ready_works(search.runtime, "post", seconds=1)
            eventually(lambda: "100" in documents(search), what="the other work is served")
        finally:
            trial.join()
        (tried,) = search.ledger.read(lambda tx: works.listed(tx, [State.FAILED]))
        assert tried.left == ("7",)
        (served,) = search.ledger.read(lambda tx: works.find(tx, [other]))
        assert (served.finished_at or 0.0) < (tried.finished_at or 0.0)


def is_on_trial(search: Scrypath) -> bool:
    row = search.ledger.read(lambda tx: indexes.get(tx, "post"))
    return row is not None and row.exclusive_until is not None


@pytest.mark.parametrize(
    ("bad", "together"),
    [
        pytest.param(range(7, 1001, 33), True, id="spread, in one work"),
        pytest.param(range(480, 511), False, id="in a row, in a work for each"),
    ],
)
def test_thirty_one_bad_documents_of_a_thousand_fail_alone_and_nothing_is_paused(
    tmp_path: Path, bad: range, together: bool
) -> None:
    with shop(tmp_path, batch_cost=0.0) as (search, engine):
        for id in numbers(bad):
            engine.faults.add("fail_task", document=id, code=GEO, whole_batch=True)
        write(search, range(1, 1001), together=together)
        failed = settle(search)
        assert {id for work in failed for id in work.left} == numbers(bad)
        assert documents(search) == numbers(range(1, 1001)) - numbers(bad)
        row = search.ledger.read(lambda tx: indexes.get(tx, "post"))
        assert row is not None
        assert row.pause is None


def test_an_engine_that_fails_every_task_as_internal_pauses_and_blames_nobody(tmp_path: Path) -> None:
    with shop(tmp_path, batch_cost=0.0, max_attempts=2) as (search, engine):
        write(search, range(1, 2))
        assert settle(search) == []
        fault = engine.faults.add("fail_task", code="internal", whole_batch=True)
        write(search, range(2, 22))

        def probes() -> int:
            run_ready_works(search.runtime, "post", seconds=1)
            relay(search.runtime, force=True)
            row = search.ledger.read(lambda tx: indexes.get(tx, "post"))
            return row.pause.count if row and row.pause else 0

        eventually(lambda: probes() >= 4, what="it was probed more often than works are tried")
        assert search.ledger.read(lambda tx: works.listed(tx, [State.FAILED])) == []
        fault.remove()
        assert settle(search) == []
        assert documents(search) == numbers(range(1, 22))
