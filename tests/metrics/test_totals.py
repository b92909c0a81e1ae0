"""Totals: buckets, threads, forks, and what the ledger keeps of them."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from sqlalchemy import Connection, create_engine

from scrypath_celery.ledger import Ledger, totals
from scrypath_celery.totals import BEYOND, BOUNDS, Total, Totals, bucket


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.0, "0.005"), (0.005, "0.005"), (0.0051, "0.01"), (1.0, "1"), (1_801.0, BEYOND)]
)
def test_a_duration_is_in_the_first_bucket_that_holds_it(seconds: float, expected: str) -> None:
    assert bucket(seconds) == expected


def test_buckets_are_named_by_numbers_that_prometheus_reads() -> None:
    names = [bucket(bound) for bound in (*BOUNDS, math.inf)]
    assert [float(name) for name in names] == [*BOUNDS, math.inf]


def test_no_count_of_many_threads_is_lost() -> None:
    noted = Totals()

    def count() -> None:
        for _ in range(2_000):
            noted.add("name")

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert noted.read() == {("name",): Total(8_000, 0.0)}


def test_a_process_that_was_forked_begins_with_none() -> None:
    noted = Totals()
    noted.add("name")
    noted._kept.pid = os.getpid() + 1  # as a child finds it
    assert noted.read() == {}


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    engine = create_engine(database_url)
    made = Ledger(lambda: engine)
    made.create_all()
    yield made
    engine.dispose()


def test_totals_of_several_transactions_add_up(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.run(lambda tx: totals.add(tx, "posts", totals.SUCCEEDED, times=2, documents=5))
        ledger.run(lambda tx: totals.of(tx).observe("posts", totals.SEARCHABLE, seconds=0.3))
    assert ledger.read(totals.listed) == {
        ("posts", "succeeded", ""): Total(6, 15.0),
        ("posts", "searchable", "0.5"): Total(3, pytest.approx(0.9)),  # type: ignore[arg-type]
    }


def test_totals_of_many_writers_at_once_add_up(ledger: Ledger) -> None:
    """Each writes totals of the same two indexes, named in another order."""

    def count(connection: Connection, order: list[str]) -> None:
        for uid in order:
            totals.add(connection, uid, totals.SUCCEEDED, times=1, documents=1)

    def write(order: list[str]) -> None:
        for _ in range(10):
            ledger.run(partial(count, order=order))

    writers = [threading.Thread(target=write, args=(order,)) for order in (["a", "b"], ["b", "a"]) * 2]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = ledger.read(totals.listed)
    assert {uid: total.times for (uid, *_), total in found.items()} == {"a": 40, "b": 40}
