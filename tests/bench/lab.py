"""The servers of a run: PostgreSQL, Redis, the embedded engine and a worker with two processes, each on its own."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

from tests.services.postgresql import postgresql_server
from tests.services.process import ServerProcess, free_port
from tests.services.redis import redis_process
from tests.worker import Worker

ENVIRONMENT = "BENCH"
"""The variable with the addresses of broker, database and engine, as JSON."""
PROCESSES = 2
TIMEOUTS = 900.0
"""Longer than this (seconds) is broken."""


@contextmanager
def lab(batch_cost: float, document_cost: float) -> Iterator[Worker]:
    """Servers that are up, named in the environment for `tests.bench.application`; yields a worker, not started."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scrypath-bench-")))
        database = stack.enter_context(stack.enter_context(postgresql_server()).database())
        redis = redis_process(folder)
        if redis is None:
            raise SystemExit("there is no redis-server binary to start one")
        stack.callback(redis.stop)
        engine = os.environ.get("MEILISEARCH_URL") or stack.enter_context(_embedded(folder, batch_cost, document_cost))
        addresses = {"broker": redis.start().url, "database": database, "engine": engine}
        os.environ[ENVIRONMENT] = json.dumps(addresses)
        worker = Worker("tests.bench.application", folder=folder, queues="search_sync,naive", concurrency=PROCESSES)
        stack.callback(worker.close)
        yield worker


@contextmanager
def _embedded(folder: Path, batch_cost: float, document_cost: float) -> Iterator[str]:
    port = free_port()
    costs = ["--batch-cost", str(batch_cost), "--document-cost", str(document_cost)]
    command = [sys.executable, "-m", "scrypath_celery.embedded", "--port", str(port), *costs]
    engine = ServerProcess("engine", command, port=port, folder=folder)
    try:
        yield f"http://127.0.0.1:{engine.start().port}"
    finally:
        engine.stop()


def tasks_done(url: str, index: str) -> int:
    """How many tasks of an index the engine has finished."""
    query = {"indexUids": index, "statuses": "succeeded,failed", "limit": "1"}
    return int(requests.get(f"{url}/tasks", params=query, timeout=60).json()["total"])
