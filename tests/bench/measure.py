"""The measurements. Each measures both ways in one run, on the same servers, with a worker of two processes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import requests
from sqlalchemy import insert, text

from scrypath_celery.declaration.document import encode, project
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
from tests.deadline import eventually
from tests.worker import Worker

_NUMBERS = count(1)


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One line of the report: two rates or costs, what the first is of the second, and what was hoped for."""

    name: str
    ours: str
    theirs: str
    ratio: float
    target: str


def prepare() -> None:
    """Make the tables."""
    Base.metadata.create_all(engine)
    search.ledger.create_all()


def bulk(worker: Worker, records: int) -> Iterator[Ratio]:
    """A backfill against posting the same documents, serialised beforehand, in one loop."""
    _empty()
    with engine.begin() as connection:
        for start in range(0, records, 1_000):
            rows = [vars(article(id)) for id in range(start, min(start + 1_000, records))]
            connection.execute(insert(Article), [{k: v for k, v in row.items() if k[0] != "_"} for row in rows])
    url, schema = search.options.meilisearch_url, search.schemas.of(Article)
    with Session() as session:
        found = [encode(project(schema, record), shown="") for record in session.query(Article).order_by(Article.id)]
    bodies = [b"[" + b",".join(found[start : start + 1_000]) + b"]" for start in range(0, records, 1_000)]
    _declare(url, "raw")
    raw = records / _timed(lambda: _post_all(url, bodies))
    with worker:
        _warm()
        ours = records / _timed(lambda: (search.backfill(Article, follow=False), _settle()))
    yield Ratio(
        name=f"backfill of {records} rows / posting their documents",
        ours=f"{ours:,.0f} documents/s",
        theirs=f"{raw:,.0f} documents/s",
        ratio=ours / raw,
        target=">= 0.8",
    )


def single(worker: Worker, records: int, waited: int) -> Iterator[Ratio]:
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
    for name, theirs, target in (("waits", rates[0], ">= 100"), ("never looks back", rates[1], ">= 2")):
        yield Ratio(
            name=f"{records} single-record commits / a task for each that {name}",
            ours=f"{ours:,.0f} records/s",
            theirs=f"{theirs:,.1f} records/s",
            ratio=ours / theirs,
            target=target,
        )


def commits(worker: Worker, records: int) -> Iterator[Ratio]:
    """What `sync_record` adds to a commit, with the workers idle and busy."""
    _empty()
    _warm_up_publisher()
    yield _cost("idle", records, "<= 1.5")
    with worker:
        eventually(_settled, seconds=TIMEOUTS, what="the workers are done")
        yield _cost("busy", records, "<= 2")
        _settle()


def _cost(name: str, records: int, target: str) -> Ratio:
    bare, synced = [], []
    for _ in range(records):
        bare.append(_timed(lambda: _commit(sync=False)))
        synced.append(_timed(lambda: _commit(sync=True)))
    ours, theirs = statistics.median(synced), statistics.median(bare)
    return Ratio(
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


def _post_all(url: str, bodies: Sequence[bytes]) -> None:
    with requests.Session() as session:
        for body in bodies:
            headers = {"Content-Type": "application/json"}
            session.post(f"{url}/indexes/raw/documents", data=body, headers=headers, timeout=60).raise_for_status()
    goal = 2 + len(bodies)
    eventually(lambda: tasks_done(url, "raw") >= goal, seconds=TIMEOUTS, what="the engine has finished them")


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
