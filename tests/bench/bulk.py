"""Bulk: a backfill and a reindex against posting the same documents, and against what users would pick instead."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import meilisearch
import orjson
import requests
from sqlalchemy import insert, select, text

from tests.bench import meilisync
from tests.bench.application import City, Session, cities, engine, search
from tests.bench.lab import TIMEOUTS, tasks_done
from tests.bench.report import Figure, Line, median
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


def load(least: int) -> int:
    """Fill the table with the cities of at least so many people; how many."""
    rows = cities(least)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE cities"))
        for start in range(0, len(rows), 5_000):
            connection.execute(insert(City), rows[start : start + 5_000])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE cities"))
    return len(rows)


def bulk(worker: Worker, least: int, times: int) -> Iterator[Line | Figure]:
    """All ways for the cities with at least so many people; ours so many times, each beside raw."""
    count, url = load(least), search.options.meilisearch_url
    loop = _plain_loop(url)
    alone = _pairs(url, times, "backfill", "inline")
    yield _against(alone, f"backfill of {count} by the calling process / raw", ">= 0.9", merged=True)
    yield from _processor_and_memory(alone, loop, count)
    with worker:
        beside = _pairs(url, times, "backfill", "celery")
        yield _against(beside, f"backfill of {count} beside two workers / raw", ">= 0.9", merged=True)
        built = _pairs(url, times, "reindex", "celery", raw=_raw_reindex)
        yield _against(built, f"reindex of {count} beside two workers / raw and its creation, settings, swap", ">= 0.9")
    if times > 1:
        yield from _instead(url, count, loop)


def _processor_and_memory(pairs: Sequence[tuple[Run, Run]], loop: Run, count: int) -> Iterator[Line]:
    runs = [run.microseconds or 0.0 for _, run in pairs]
    theirs = loop.microseconds or 1.0
    yield Line(
        name=f"processor time a document, backfill of {count} / plain loop",
        ours=f"{median(runs):.1f} µs",
        theirs=f"{theirs:.1f} µs",
        ratio=median(runs) / theirs,
        runs=[one / theirs for one in runs],
        target="<= 1.5",
    )
    peak = max(run.peak or 0.0 for _, run in pairs)
    yield Line(
        name=f"peak memory of the calling process, backfill of {count} / 200 MB",
        ours=f"{peak:.0f} MB",
        theirs="200 MB",
        ratio=peak / 200,
        target="<= 1",
    )


def _instead(url: str, count: int, loop: Run) -> Iterator[Line | Figure]:
    """What users would do instead."""
    raw = _raw(url)
    yield _against(
        [(raw, loop)], f"{count} rows read, dumped and posted in a plain loop / raw", "none: what is possible"
    )
    orm = _measured(url, "orm", partial(_orm_loop, url))
    yield _against([(raw, orm)], f"{count} records in a loop of add_documents / raw", "none: for comparison")
    name = f"{count} rows by meilisync 0.1.3's refresh, whole process"
    with TemporaryDirectory(prefix="scrypath-bench-") as folder:
        program = meilisync.installed(Path(folder))
        if program is None:
            yield Figure(name=name, text="not measured: no package registry answers")
            return
        _declare(url, "cities")
        before = _all_batches(url)
        try:
            seconds = meilisync.refresh(program, Path(folder), url)
        except subprocess.SubprocessError as exc:
            yield Figure(name=name, text=f"not measured: it failed ({type(exc).__name__})")
            return
        peer = Run(seconds=seconds, batches=_all_batches(url) - before)
        yield _against([(raw, peer)], f"{name} / raw", "none: for comparison")


def _pairs(
    url: str, times: int, what: str, mode: str, raw: Callable[[str], Run] | None = None
) -> list[tuple[Run, Run]]:
    """Raw and ours in turn, so that the machine's other load falls on both."""
    raw = raw or _raw
    return [(raw(url), _in_a_child(url, what, mode)) for _ in range(times)]


def _against(pairs: Sequence[tuple[Run, Run]], name: str, target: str, *, merged: bool = False) -> Line:
    ratios = [raw.seconds / run.seconds for raw, run in pairs]
    raw, run = sorted(pairs, key=lambda pair: pair[0].seconds / pair[1].seconds)[len(pairs) // 2]
    bound = f", at most {raw.batches + 1} batches" if merged else ""
    return Line(
        name=name, ours=run.shown(), theirs=raw.shown(), ratio=median(ratios), runs=ratios, target=target + bound
    )


def _measured(url: str, index: str, act: Callable[[], Any], *, beside: str | None = None) -> Run:
    """Empty an index that has the settings, act, and wait until the engine is done with it (and the one `beside`)."""
    _declare(url, index)
    ran, spent = _all_batches(url), _processor()
    began = time.perf_counter()
    act()
    microseconds = (_processor() - spent) * 1e6 / _count()
    for uid in filter(None, (index, beside)):
        eventually(partial(_idle, url, uid), seconds=TIMEOUTS, what="the engine is done")
    return Run(seconds=time.perf_counter() - began, batches=_all_batches(url) - ran, microseconds=microseconds)


def _raw(url: str) -> Run:
    return _measured(url, "raw", partial(_post_all, url, "raw", _bodies()))


def _raw_reindex(url: str) -> Run:
    """The same with what a reindex does beside: another index is made, given its settings, filled, and swapped in."""
    bodies, built = _bodies(), "raw-built"

    def post() -> None:
        _declare_at_once(url, built)
        _post_all(url, built, bodies)
        swap = [{"indexes": ["raw", built]}]
        requests.post(f"{url}/swap-indexes", json=swap, timeout=60).raise_for_status()

    requests.delete(f"{url}/indexes/{built}", timeout=60)
    return _measured(url, "raw", post, beside=built)


def _bodies() -> list[bytes]:
    return [orjson.dumps([dict(zip(_NAMES, row, strict=True)) for row in page]) for page in _pages()]


def _post_all(url: str, index: str, bodies: Sequence[bytes]) -> None:
    with requests.Session() as session:
        for body in bodies:
            _post(session, url, index, body)


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
    spent, began = _processor(), time.perf_counter()
    act(City, sync_mode=mode)
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
    _declare_at_once(url, index)
    requests.delete(f"{url}/indexes/{index}/documents", timeout=60).raise_for_status()
    eventually(partial(_idle, url, index), seconds=TIMEOUTS, what="the index is ready")


def _declare_at_once(url: str, index: str) -> None:
    """The same where none is there, without waiting for it."""
    settings = search.schemas.of(City).declared_settings()
    requests.post(f"{url}/indexes", json={"uid": index, "primaryKey": "id"}, timeout=60).raise_for_status()
    requests.patch(f"{url}/indexes/{index}/settings", json=settings, timeout=60).raise_for_status()


def _idle(url: str, index: str) -> bool:
    query = {"indexUids": index, "statuses": "enqueued,processing", "limit": "1"}
    return bool(tasks_done(url, index)) and not requests.get(f"{url}/tasks", params=query, timeout=60).json()["total"]


def _all_batches(url: str) -> int:
    return int(requests.get(f"{url}/batches", params={"limit": "1"}, timeout=60).json()["total"])


if __name__ == "__main__":
    _child(*sys.argv[1:])
