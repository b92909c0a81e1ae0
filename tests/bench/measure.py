"""The measurements. Each measures both ways in one run, on the same servers, with a worker of two processes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import count

import requests
from sqlalchemy import text

from scrypath_celery.ledger import works
from scrypath_celery.work import OPEN
from tests.bench.application import (
    NAIVE,
    Article,
    Base,
    Session,
    article,
    engine,
    search,
    send_and_forget,
    send_and_wait,
)
from tests.bench.lab import TIMEOUTS, tasks_done
from tests.bench.report import Line
from tests.deadline import eventually
from tests.worker import Worker

_NUMBERS = count(1)


def prepare() -> None:
    """Make the tables."""
    Base.metadata.create_all(engine)
    search.ledger.create_all()


def single(worker: Worker, records: int, waited: int) -> Iterator[Line]:
    """Single-record commits to the last settled work, against a task for each record."""
    url = search.options.meilisearch_url
    _declare(url, NAIVE)
    rates = []
    with worker:
        for send, number in ((send_and_wait, waited), (send_and_forget, records)):
            _empty()
            before = tasks_done(url, NAIVE)

            def all_done(goal: int = before + number) -> bool:
                return tasks_done(url, NAIVE) >= goal

            start = time.perf_counter()
            for id in range(number):
                with Session.begin() as session:
                    session.add(article(id))
                send.delay(id)
            eventually(all_done, seconds=TIMEOUTS, what="the engine has finished the tasks")
            rates.append(number / (time.perf_counter() - start))
        _empty()
        _warm()
        ours = records / _timed(lambda: (_commit_each(range(records)), _settle()))
    for name, theirs, target in (("waits", rates[0], ">= 100"), ("never looks back", rates[1], ">= 3")):
        yield Line(
            name=f"{records} single-record commits / a task for each that {name}",
            ours=f"{ours:,.0f} records/s",
            theirs=f"{theirs:,.1f} records/s",
            ratio=ours / theirs,
            target=target,
        )


def commits(worker: Worker, records: int) -> Iterator[Line]:
    """What `sync_record` adds to a commit, with the workers idle and busy."""
    _empty()
    _warm_up_publisher()
    yield _cost("idle", records, "<= 1.4")
    with worker:
        eventually(_settled, seconds=TIMEOUTS, what="the workers are done")
        yield _cost("busy", records, "<= 1.4")
        _settle()


def _cost(name: str, records: int, target: str) -> Line:
    bare, synced = [], []
    for _ in range(records):
        bare.append(_timed(lambda: _commit(sync=False)))
        synced.append(_timed(lambda: _commit(sync=True)))
    ours, theirs = statistics.median(synced), statistics.median(bare)
    return Line(
        name=f"a commit with sync_record / one without, workers {name}",
        ours=f"{ours * 1000:.2f} ms",
        theirs=f"{theirs * 1000:.2f} ms",
        ratio=ours / theirs,
        target=target,
    )


def _commit(*, sync: bool) -> None:
    with Session.begin() as session:
        record = article(1_000_000 + next(_NUMBERS))
        session.add(record)
        if sync:
            search.sync_record(record, session=session)


def _commit_each(ids: Iterable[int]) -> None:
    for id in ids:
        with Session.begin() as session:
            record = article(id)
            session.add(record)
            search.sync_record(record, session=session)


def _warm() -> None:
    """Let the worker's processes connect, and the index be there."""
    _commit(sync=True)
    _settle()


def _warm_up_publisher() -> None:
    _commit(sync=True)


def _settled() -> bool:
    found = search.ledger.run(lambda tx: works.counts(tx, "articles")).get("articles", {})
    return not any(found.get(state) for state in OPEN)


def _settle() -> None:
    eventually(_settled, seconds=TIMEOUTS, what="all work is settled")


def _empty() -> None:
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE articles"))


def _declare(url: str, index: str) -> None:
    """The same settings for the index of the other way."""
    settings = search.schemas.of(Article).declared_settings()
    requests.post(f"{url}/indexes", json={"uid": index, "primaryKey": "id"}, timeout=60).raise_for_status()
    requests.patch(f"{url}/indexes/{index}/settings", json=settings, timeout=60).raise_for_status()
    eventually(lambda: tasks_done(url, index) >= 2, seconds=TIMEOUTS, what="the index is ready")


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
