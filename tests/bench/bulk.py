"""Bulk: a backfill and a reindex against posting the same documents, and against what users would pick instead."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import meilisearch
import orjson
import requests
from sqlalchemy import insert, select, text

from tests.bench.application import City, Session, cities, engine, search
from tests.bench.lab import TIMEOUTS, batches, tasks_done
from tests.bench.report import Line
from tests.deadline import eventually
from tests.worker import Worker

_HEADERS = {"Content-Type": "application/json"}
_NAMES = ("id", "name", "admin", "timezone", "country", "latitude", "longitude", "population")


@dataclass(frozen=True, kw_only=True)
class Run:
    """One way to get all documents into an index: its time, engine batches, and processor time per document."""

    seconds: float
    batches: int
    microseconds: float | None = None
    peak: float | None = None

    def shown(self) -> str:
        """The figures in one phrase."""
        found = [f"{self.seconds:.1f} s", f"{self.batches} batches"]
        if self.microseconds is not None:
            found.append(f"{self.microseconds:.0f} µs of processor a document")
        if self.peak is not None:
            found.append(f"peak {self.peak:.0f} MB")
        return ", ".join(found)


def bulk(worker: Worker, least: int) -> Iterator[Line]:
    """All ways for the cities with at least so many people."""
    rows = cities(least)
    count = len(rows)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE cities"))
        for start in range(0, count, 5_000):
            connection.execute(insert(City), rows[start : start + 5_000])
    del rows
    url = search.options.meilisearch_url
    raw = _raw(url)
    loop = _plain_loop(url)
    yield _against(raw, loop, f"{count} rows read, dumped and posted in a plain loop / raw", "none: what is possible")
    orm = _measured(url, "orm", partial(_orm_loop, url))
    yield _against(raw, orm, f"{count} records in a loop of add_documents / raw", "none: for comparison")
    alone = _in_a_child(url, "backfill", "inline")
    yield _against(raw, alone, f"backfill of {count} by the calling process / raw", ">= 0.9", raw.batches + 1)
    if alone.microseconds is not None and loop.microseconds:
        yield Line(
            name=f"processor time a document, backfill of {count} / plain loop",
            ours=f"{alone.microseconds:.1f} µs",
            theirs=f"{loop.microseconds:.1f} µs",
            ratio=alone.microseconds / loop.microseconds,
            target="<= 1.5",
        )
    if alone.peak is not None:
        yield Line(
            name=f"peak memory of the calling process, backfill of {count} / 200 MB",
            ours=f"{alone.peak:.0f} MB",
            theirs="200 MB",
            ratio=alone.peak / 200,
            target="<= 1",
        )
    with worker:
        beside = _in_a_child(url, "backfill", "celery")
        yield _against(raw, beside, f"backfill of {count} beside two workers / raw", ">= 0.9", raw.batches + 1)
        built = _in_a_child(url, "reindex", "celery")
        yield _against(raw, built, f"reindex of {count} beside two workers / raw", ">= 0.9")


def _against(raw: Run, run: Run, name: str, target: str, most: int | None = None) -> Line:
    bound = f", at most {most} batches" if most is not None else ""
    return Line(name=name, ours=run.shown(), theirs=raw.shown(), ratio=raw.seconds / run.seconds, target=target + bound)


def _measured(url: str, index: str, act: Callable[[], Any]) -> Run:
    """Empty an index that has the settings, act, and wait until the engine is done with it."""
    _declare(url, index)
    ran, spent = batches(url, index), _processor()
    began = time.perf_counter()
    act()
    microseconds = (_processor() - spent) * 1e6 / _count()
    eventually(partial(_idle, url, index), seconds=TIMEOUTS, what="the engine is done")
    return Run(seconds=time.perf_counter() - began, batches=batches(url, index) - ran, microseconds=microseconds)


def _raw(url: str) -> Run:
    bodies = [orjson.dumps([dict(zip(_NAMES, row, strict=True)) for row in page]) for page in _pages()]

    def post() -> None:
        with requests.Session() as session:
            for body in bodies:
                _post(session, url, "raw", body)

    return _measured(url, "raw", post)


def _plain_loop(url: str) -> Run:
    def post() -> None:
        with requests.Session() as session:
            for page in _pages():
                _post(session, url, "plain", orjson.dumps([dict(zip(_NAMES, row, strict=True)) for row in page]))

    return _measured(url, "plain", post)


def _orm_loop(url: str) -> None:
    index, last = meilisearch.Client(url).index("orm"), 0
    while True:
        with Session() as session:
            found = session.scalars(select(City).where(City.id > last).order_by(City.id).limit(1_000)).all()
            if not found:
                return
            index.add_documents([{name: getattr(one, name) for name in _NAMES} for one in found], "id")
            last = found[-1].id


def _pages() -> Iterator[Any]:
    last, columns = 0, [getattr(City, name) for name in _NAMES]
    while True:
        with Session() as session:
            page = session.execute(select(*columns).where(City.id > last).order_by(City.id).limit(1_000)).all()
        if not page:
            return
        yield page
        last = page[-1][0]


def _post(session: requests.Session, url: str, index: str, body: bytes) -> None:
    answer = session.post(f"{url}/indexes/{index}/documents?primaryKey=id", data=body, headers=_HEADERS, timeout=60)
    answer.raise_for_status()


def _in_a_child(url: str, what: str, mode: str) -> Run:
    """Run one command in a process of its own, so that its memory and its time are known."""
    _declare(url, "cities")
    before = _all_batches(url)
    command = [sys.executable, "-m", "tests.bench.bulk", what, mode]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    found = json.loads(done.stdout.splitlines()[-1])
    return Run(
        seconds=found["seconds"],
        batches=_all_batches(url) - before,
        microseconds=found["cpu"] * 1e6 / _count(),
        peak=found["peak"],
    )


def _child(what: str, mode: str) -> None:
    """The child's side of `_in_a_child`: what it spent on the command itself, start-up left out."""
    _ = search.runtime.engine.version()
    act: Callable[..., Any] = search.backfill if what == "backfill" else search.reindex
    # Where it runs is an option of rebuilds that go on in workers; the others always run here too.
    options = {"sync_mode": mode} if "sync_mode" in signature(act).parameters else {}
    spent, began = _processor(), time.perf_counter()
    act(City, **options)
    found = {
        "seconds": time.perf_counter() - began,
        "cpu": _processor() - spent,
        "peak": _peak(),
    }
    sys.stdout.write(json.dumps(found) + "\n")


def _peak() -> float:
    """The most memory of this process in MB. What `getrusage` tells is the parent's, until it is outgrown."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _count() -> int:
    with Session() as session:
        return int(session.scalar(text("SELECT COUNT(*) FROM cities")) or 0)


def _declare(url: str, index: str) -> None:
    """An empty index with the declared settings."""
    settings = search.schemas.of(City).declared_settings()
    requests.post(f"{url}/indexes", json={"uid": index, "primaryKey": "id"}, timeout=60).raise_for_status()
    requests.patch(f"{url}/indexes/{index}/settings", json=settings, timeout=60).raise_for_status()
    requests.delete(f"{url}/indexes/{index}/documents", timeout=60).raise_for_status()
    eventually(partial(_idle, url, index), seconds=TIMEOUTS, what="the index is ready")


def _idle(url: str, index: str) -> bool:
    query = {"indexUids": index, "statuses": "enqueued,processing", "limit": "1"}
    return bool(tasks_done(url, index)) and not requests.get(f"{url}/tasks", params=query, timeout=60).json()["total"]


def _all_batches(url: str) -> int:
    return int(requests.get(f"{url}/batches", params={"limit": "1"}, timeout=60).json()["total"])


if __name__ == "__main__":
    _child(*sys.argv[1:])
