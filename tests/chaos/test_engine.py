"""An engine that is away, refuses, breaks off, forgets, or is shared with others."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from meilisearch import Client

from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.ledger import indexes, works
from scrypath_celery.operator.recommendations import Signal
from scrypath_celery.work import OPEN, State
from tests.chaos.long import long
from tests.chaos.shop import LARGE
from tests.chaos.world import World, world
from tests.deadline import eventually

pytestmark = pytest.mark.chaos
GEO = "invalid_document_geo_field"
"""A code with which the engine fails every payload of a batch."""


@pytest.fixture
def alone(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """An application without a worker: works are run here, by `drain`."""
    with world(sqlite_url, "memory://", tmp_path, pools=()) as made:
        yield made


def test_an_engine_that_is_away_longer_than_all_retries_leaves_no_dead_letter(sqlite_url: str, tmp_path: Path) -> None:
    options = {"max_attempts": 2, "backoff_max": 0.1, "pause_max": 0.1}
    with world(sqlite_url, "memory://", tmp_path, pools=(), options=options) as made:
        search = made.shop.search
        made.engine.stop()
        made.write({id: id for id in range(5)})

        def probes() -> int:
            search.drain()
            row = search.ledger.read(lambda tx: indexes.get(tx, "items"))
            return row.pause.count if row and row.pause else 0

        eventually(lambda: probes() > 20, what="the engine was probed ten times as often as retried")
        assert made.states() == {State.PENDING: 5}
        made.engine.start()
        eventually(lambda: _drained(made), what="all is done once it is back")
        assert made.states() == {State.SUCCEEDED: 5}
        assert made.documents() == {id: id for id in range(5)}


def test_an_engine_that_rejects_a_document_leaves_exactly_that_one(alone: World) -> None:
    alone.engine.faults.add("fail_task", document="7", code=GEO, whole_batch=True)
    ids = alone.write({id: id for id in range(20)})
    eventually(lambda: _drained(alone), what="every work has ended")
    failed = alone.shop.search.ledger.read(lambda tx: works.listed(tx, [State.FAILED]))
    assert [(work.id, work.ids, work.error_code) for work in failed] == [(ids[7], ("7",), GEO)]
    assert alone.documents() == {id: id for id in range(20) if id != 7}


def test_a_connection_that_breaks_under_60_mb_ends_in_smaller_payloads(sqlite_url: str, tmp_path: Path) -> None:
    small, large = {"payload_limit": 1_200_000}, {"payload_bytes": 100_000_000, "engine_timeout": 30.0, "lease": 60.0}
    with world(sqlite_url, "memory://", tmp_path, pools=(), engine=small, options=large) as made:
        made.write(dict.fromkeys(range(120), LARGE))
        eventually(lambda: _drained(made), what="every work has ended")
        assert made.states()[State.FAILED] == 0
        assert len(made.documents()) == 120


@long
def test_an_engine_that_refuses_is_asked_less_and_less_by_all_workers_together(
    sqlite_url: str, redis_server: Callable[[], Any], tmp_path: Path
) -> None:
    options = {"pause_max": 60.0, "lease": 60.0}
    with world(sqlite_url, redis_server(), tmp_path, options=options) as made:
        made.write({0: 0})
        eventually(lambda: not _open(made), what="the index is there")
        refusing = made.engine.faults.add("refuse", path="/indexes/*", status=503, retry_after=1)
        made.write({id: id for id in range(1, 60)})
        eventually(lambda: _pauses(made) >= 3, what="it was probed several times")
        # Four processes and threads, sixty messages: one probe a pause and a few that were under way at the first.
        assert refusing.hits <= 2 * _pauses(made) + 8
        refusing.remove()
        eventually(lambda: not _open(made), what="all is done")
        assert made.states() == {State.SUCCEEDED: 60}


def test_a_restored_engine_is_noticed_and_named(alone: World) -> None:
    alone.write({1: 1})
    assert _drained(alone)
    token = alone.engine.snapshot()
    alone.write({2: 2, 3: 3})
    assert _drained(alone)
    search = alone.shop.search
    assert Signal.ENGINE_RESTORED not in search.reconcile_sync().indexes[0].signals
    alone.engine.restore(token)
    report = search.reconcile_sync().indexes[0]
    assert Signal.ENGINE_RESTORED in report.signals
    assert any("reindex" in str(action) for action in report.actions)


def test_a_uid_that_a_restored_engine_gives_to_another_task_is_not_taken_for_ours(alone: World) -> None:
    alone.write({1: 1})
    assert _drained(alone)
    token = alone.engine.snapshot()
    alone.engine.freeze()
    search = alone.shop.search
    ids = alone.write({2: 2})

    run_ready_works(search.runtime, "items", seconds=5, only=ids, wait=False)
    assert alone.states()[State.SUBMITTED] == 1
    alone.engine.restore(token)
    alone.engine.thaw()
    client = Client(alone.engine.url)
    for _ in range(5):  # another application's tasks take the uids that ours had
        client.wait_for_task(client.index("items").add_documents([{"id": 1, "version": 1}]).task_uid)
    eventually(lambda: _drained(alone), what="the work was sent again")
    assert alone.documents() == {1: 1, 2: 2}
    assert alone.states() == {State.SUCCEEDED: 2}


@long
def test_a_poison_is_found_in_seconds_while_six_writers_go_on(
    sqlite_url: str, redis_server: Callable[[], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine, options = {"batch_cost": 0.43}, {"await_seconds": 20.0, "lease": 60.0, "max_attempts": 4}
    with world(sqlite_url, redis_server(), tmp_path, engine=engine, options=options) as made:
        made.write({0: 0})
        eventually(lambda: not _open(made), what="the index is there")
        made.engine.faults.add("fail_task", document="7", code=GEO, whole_batch=True)
        with _writers(made.engine.url, 6):
            ids, began = made.write({id: id for id in range(1, 12)}), time.monotonic()
            eventually(lambda: made.states()[State.FAILED], what="there is a verdict")
            seconds = time.monotonic() - began
        with capsys.disabled():
            sys.stdout.write(f"\nverdict on one of eleven documents after {seconds:.1f} s\n")
        eventually(lambda: not _open(made), what="all others are done")
        failed = made.shop.search.ledger.read(lambda tx: works.listed(tx, [State.FAILED]))
        assert [(work.id, work.error_code) for work in failed] == [(ids[6], GEO)]
        ours = {id: version for id, version in made.documents().items() if id < 1_000}
        assert ours == {id: id for id in range(12) if id != 7}


@contextmanager
def _writers(url: str, count: int) -> Iterator[None]:
    """Another application that writes to the same index without pause, from several threads."""
    over = threading.Event()

    def write(number: int) -> None:
        index = Client(url).index("items")
        while not over.wait(0.05):
            index.add_documents([{"id": 1_000 + number, "version": 0}])

    threads = [threading.Thread(target=write, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _open(made: World) -> int:
    states = made.states()
    return sum(states[state] for state in OPEN)


def _drained(made: World) -> bool:
    made.shop.search.drain()
    return not _open(made)


def _pauses(made: World) -> int:
    row = made.shop.search.ledger.read(lambda tx: indexes.get(tx, "items"))
    return row.pause.count if row and row.pause else 0
