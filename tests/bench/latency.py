"""Latency: from a commit until the engine has the document, with idle workers, and beside a reindex."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from sqlalchemy import func, select

from scrypath_celery.ledger.tables import work
from scrypath_celery.work import State
from tests.bench.application import City, Session, article, engine, search
from tests.bench.lab import ENVIRONMENT, PROCESSES, TIMEOUTS
from tests.bench.report import Figure, Line
from tests.deadline import eventually
from tests.services.rabbitmq import DEFAULT, rabbitmq_broker, reachable
from tests.worker import Worker

FIRST = 5_000_000
"""The first id of this file's articles."""


def latency(worker: Worker, commits: int) -> Iterator[Line | Figure]:
    """The same over Redis, and over RabbitMQ where one is there."""
    yield from _latency(worker, commits, "Redis")
    reason = reachable(DEFAULT)
    if reason is not None:
        yield Figure(name="from commit to enqueuedAt over RabbitMQ", text=f"not measured: {reason}")
        return
    with rabbitmq_broker() as broker, broker.vhost() as url:
        addresses = {**json.loads(os.environ[ENVIRONMENT]), "broker": url}
        command = [sys.executable, "-m", "tests.bench.latency", str(commits)]
        environment = {**os.environ, ENVIRONMENT: json.dumps(addresses)}
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    for line in json.loads(done.stdout.splitlines()[-1]):
        yield Line(**line)


def _child(commits: str) -> None:
    """The RabbitMQ side, in a process of its own: an application has one broker."""
    with TemporaryDirectory(prefix="scrypath-bench-") as folder:
        worker = Worker("tests.bench.application", folder=Path(folder), concurrency=PROCESSES)
        try:
            found = [asdict(line) for line in _latency(worker, int(commits), "RabbitMQ")]
        finally:
            worker.close()
    sys.stdout.write(json.dumps(found) + "\n")


def _latency(worker: Worker, commits: int, broker: str) -> Iterator[Line]:
    """From the end of a commit to the `enqueuedAt` of the engine's task, workers idle."""
    pause = threading.Event()
    first = FIRST if broker == "Redis" else FIRST + 100_000
    with worker:
        _commit(first)
        eventually(_settled, seconds=TIMEOUTS, what="the worker is warm")
        done = {}
        for id in range(first + 1, first + 1 + commits):
            done[str(id)] = _commit(id)
            pause.wait(0.1)
        eventually(_settled, seconds=TIMEOUTS, what="all work is settled")
    waits = sorted(_enqueued(uid) - done[id] for id, uid in _uids() if id in done)
    for name, wait, most in (
        ("median", statistics.median(waits), 0.05),
        ("99th percentile", waits[int(len(waits) * 0.99) - 1], 0.2),
    ):
        yield Line(
            name=f"from commit to enqueuedAt over {broker}, {name} of {len(waits)} / {most * 1000:.0f} ms",
            ours=f"{wait * 1000:.0f} ms",
            theirs=f"{most * 1000:.0f} ms",
            ratio=wait / most,
            target="<= 1",
        )


def beside(worker: Worker, changes: int = 8) -> Iterator[Line]:
    """From a commit until its work is settled, while a reindex of all cities in the table runs."""
    limit = 2 * search.options.bulk_seconds
    with worker:
        _commit(FIRST)
        eventually(_settled, seconds=TIMEOUTS, what="the worker is warm")
        command = [sys.executable, "-m", "tests.bench.bulk", "reindex", "celery"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ)) as child:
            waits = []
            for id in range(FIRST + 10_000, FIRST + 10_000 + changes):
                began = _commit(id)
                eventually(_settled, seconds=TIMEOUTS, what="the change is settled")
                if child.poll() is None:
                    waits.append(time.time() - began)
            child.wait()
    yield Line(
        name=f"a change beside a reindex of {_cities()}, slowest of {len(waits)} / two bounded batches",
        ours=", ".join(f"{wait:.1f} s" for wait in waits),
        theirs=f"{limit:.0f} s",
        ratio=max(waits, default=0.0) / limit,
        target="<= 1",
    )


def _commit(id: int) -> float:
    with Session.begin() as session:
        record = article(id)
        session.merge(record)
        search.sync_record(session.get_one(type(record), id), session=session)
    return time.time()


def _settled() -> bool:
    unsettled = (work.c.index_uid == "articles") & (work.c.state != State.SUCCEEDED.value)
    with engine.connect() as connection:
        return connection.execute(select(work.c.id).where(unsettled).limit(1)).first() is None


def _uids() -> list[tuple[str, int]]:
    with engine.connect() as connection:
        rows = connection.execute(select(work.c.ids, work.c.engine_uids).where(work.c.index_uid == "articles"))
        return [(id, min(row.engine_uids)) for row in rows if row.engine_uids for id in row.ids]


def _enqueued(uid: int) -> float:
    answer = requests.get(f"{search.options.meilisearch_url}/tasks/{uid}", timeout=60).json()
    return datetime.fromisoformat(answer["enqueuedAt"]).timestamp()


def _cities() -> int:
    with Session() as session:
        return int(session.scalar(select(func.count(City.id))) or 0)


if __name__ == "__main__":
    _child(*sys.argv[1:])
