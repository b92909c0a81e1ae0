"""The measurements. Each measures both ways in one run, on the same servers, with a worker of two processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import requests
from sqlalchemy import func, select, text

from scrypath_celery.ledger import works
from scrypath_celery.ledger.tables import index, work
from scrypath_celery.work import OPEN
from tests.bench.application import (
    NAIVE,
    Article,
    Base,
    Session,
    article,
    engine,
    search,
    send_and_wait,
)
from tests.bench.clients import CLIENTS, commit_all
from tests.bench.lab import TIMEOUTS, tasks_done
from tests.bench.report import Figure, Line, median
from tests.deadline import eventually
from tests.worker import Worker

_NUMBERS = count(1)


def prepare() -> None:
    """Make the tables."""
    Base.metadata.create_all(engine)
    search.ledger.create_all()


def single(worker: Worker, records: int, waited: int) -> Iterator[Line | Figure]:
    """Commits of four clients to the last settled work, against a task for each record."""
    url = search.options.meilisearch_url
    _declare(url, NAIVE)
    with worker:
        waits = _naive(url, waited, partial(_wait_each, waited))
        forgets = _naive(url, records, partial(commit_all, "naive", records))
        _empty()
        _warm()
        before = _spent()
        ours = _rate(records, partial(_sync_all, records))
        after = _spent()
    for name, theirs, target in (("waits", waits, ">= 100"), ("never looks back", forgets, ">= 3")):
        yield Line(
            name=f"{records} single-record commits of {CLIENTS} clients / a task for each that {name}",
            ours=f"{ours:,.0f} records/s",
            theirs=f"{theirs:,.1f} records/s",
            ratio=ours / theirs,
            target=target,
        )
    found = {name: (after[name] - before[name]) / records for name in after}
    text = ", ".join(f"{value:.3f} {name}" for name, value in found.items())
    yield Figure(name=f"of each of these {records} commits", text=f"{text} (the commit itself among the transactions)")


def _naive(url: str, number: int, send: Callable[[], float]) -> float:
    """Records a second of a task for each."""
    _empty()
    before = tasks_done(url, NAIVE)

    def all_done() -> bool:
        return tasks_done(url, NAIVE) >= before + number

    def done() -> float:
        began = send()
        eventually(all_done, seconds=TIMEOUTS, what="the engine has finished the tasks")
        return began

    return _rate(number, done)


def _rate(number: int, act: Callable[[], float]) -> float:
    """Records a second from when `act` says that it began."""
    began = act()
    return number / (time.perf_counter() - began)


def _sync_all(number: int) -> float:
    began = commit_all("sync", number)
    _settle()
    return began


def _wait_each(number: int) -> float:
    began = time.perf_counter()
    for id in range(number):
        with Session.begin() as session:
            session.add(article(id))
        send_and_wait.delay(id)
    return began


def _spent() -> dict[str, int]:
    """What was spent so far: Celery tasks that claimed something, claims, and transactions of the database."""
    with engine.connect() as connection:
        tasks = select(func.count(func.distinct(work.c.task_id))).where(work.c.index_uid == "articles")
        claims = select(index.c.last_number).where(index.c.index_uid == "articles")
        query = text("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")
        return {
            "messages that found work": connection.execute(tasks).scalar_one(),
            "claims": connection.execute(claims).scalar_one(),
            "transactions": connection.execute(query).scalar_one(),
        }


def commits(worker: Worker, records: int) -> Iterator[Line]:
    """What `sync_record` adds to a commit, with the workers idle and busy, and `sync_records` to a bulk insert."""
    _empty()
    _warm_up_publisher()
    yield _cost("a commit with sync_record / one without, workers idle", records, 1, "<= 1.4")
    yield _cost("1,000 new records with sync_records / without", 10, 1_000, "<= 1.15")
    with worker:
        eventually(_settled, seconds=TIMEOUTS, what="the workers are done")
        yield _cost("a commit with sync_record / one without, workers busy", records, 1, "<= 1.4")
        _settle()


def _cost(name: str, times: int, records: int, target: str) -> Line:
    runs = [_medians(times, records) for _ in range(3)]
    ratios = [synced / bare for synced, bare in runs]
    ours, theirs = sorted(runs, key=lambda run: run[0] / run[1])[1]
    return Line(
        name=name,
        ours=f"{ours * 1000:.2f} ms",
        theirs=f"{theirs * 1000:.2f} ms",
        ratio=median(ratios),
        runs=ratios,
        target=target,
    )


def _medians(times: int, records: int) -> tuple[float, float]:
    bare, synced = [], []
    for _ in range(times):
        bare.append(_timed(lambda: _commit(records, sync=False)))
        synced.append(_timed(lambda: _commit(records, sync=True)))
    return median(synced), median(bare)


def _commit(records: int = 1, *, sync: bool) -> None:
    with Session.begin() as session:
        made = [article(1_000_000 + next(_NUMBERS)) for _ in range(records)]
        session.add_all(made)
        if sync and records == 1:
            search.sync_record(made[0], session=session)
        elif sync:
            search.sync_records(made, session=session)


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


def _declare(url: str, uid: str) -> None:
    """The same settings for the index of the other way."""
    settings = search.schemas.of(Article).declared_settings()
    requests.post(f"{url}/indexes", json={"uid": uid, "primaryKey": "id"}, timeout=60).raise_for_status()
    requests.patch(f"{url}/indexes/{uid}/settings", json=settings, timeout=60).raise_for_status()
    eventually(lambda: tasks_done(url, uid) >= 2, seconds=TIMEOUTS, what="the index is ready")


def _timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
