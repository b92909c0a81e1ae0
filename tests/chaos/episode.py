"""One episode: a writer, faults, then unchanged_during_count, and the comparison of index and database."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from scrypath_celery.capture.result import SyncResult
from scrypath_celery.ledger import tables, works
from scrypath_celery.work import State
from tests.chaos import related as tables_beside
from tests.chaos.faults import Fault
from tests.chaos.related import Entry
from tests.chaos.shop import HOT, Item
from tests.chaos.world import World
from tests.deadline import eventually

ROWS = 60


@dataclass(kw_only=True)
class Report:
    """What one episode came to; `refused` are transactions of the application that the database gave up.

    `accepted` are the works of its committed transactions, of which none may be missing in the end.
    """

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    refused: int = 0
    works: int = 0
    documents: int = 0
    lost: int = 0
    stale: int = 0
    ghosts: int = 0
    failed: int = 0
    settled: bool = False
    settled_after: float = 0.0
    accepted: set[int] = field(default_factory=set)

    @property
    def fine(self) -> bool:
        """Whether every work is settled, none is a dead letter, and index and database are equal."""
        return self.settled and not (self.lost or self.stale or self.ghosts or self.failed)


def play(
    world: World,
    seed: int,
    faults: Sequence[Fault],
    *,
    steps: int = 100,
    struck: int = 3,
    patience: float = 90.0,
    plain: bool = False,
    related: bool = False,
    grace: float = 15.0,
) -> Report:
    """Write for `steps`, with `struck` faults, then lift them all and wait until nothing is open.

    With `plain` every second transaction is one of a client that knows nothing of us; with `related` such a client
    writes owners, links and entries beside it.

    It ends without a comparison where works are not settled after `patience` (seconds), and with the last of them
    where index and database are not equal `grace` seconds later.
    """
    chance, report = random.Random(seed), Report(seed=seed)
    under_way: list[tuple[int, Iterator[int]]] = []
    strikes = sorted(chance.sample(range(steps - 10), struck))
    for step in range(steps):
        if step in strikes:
            under_way += _strike(world, chance, step, chance.choice(list(faults)), report)
        for entry in [entry for entry in under_way if entry[0] <= step]:
            under_way.remove(entry)
            _lift(entry[1])
        write = _write_plainly if plain and chance.random() < 0.5 else _write
        write(world, chance, report)
        if related:
            _write_related(world, chance, report)
        world.pace.wait(0.01)
    for _, fault in under_way:
        _lift(fault)
    world.rest()
    began = time.monotonic()
    with suppress(AssertionError):
        eventually(lambda: _settled(world), seconds=patience, what="every work is settled")
    report.settled_after = time.monotonic() - began
    if report.settled_after >= patience:
        return report
    # A request that was cut off may still land after the last work is settled: the watch finds it at its next pass.
    with suppress(AssertionError):
        eventually(
            lambda: _settled(world) and _compare(world, report), seconds=grace, what="index and database are equal"
        )
    return report


def _strike(
    world: World, chance: random.Random, step: int, fault: Fault, report: Report
) -> list[tuple[int, Iterator[int]]]:
    running = fault(world, chance)
    report.faults[fault.__name__] += 1
    lasts = next(running, None)
    return [] if lasts is None else [(step + lasts, running)]


def _lift(fault: Iterator[int]) -> None:
    for _ in fault:
        continue


def _write(world: World, chance: random.Random, report: Report) -> None:
    """Insert, update, delete or insert again one to three rows; hot ones more often than others."""
    shop, results = world.shop, list[SyncResult]()
    try:
        with shop.session.begin() as session:
            for _ in range(chance.randint(1, 3)):
                id = chance.randrange(HOT) if chance.random() < 0.4 else chance.randrange(ROWS)
                item = session.get(Item, id)
                if item is None:
                    item = Item(id=id, version=0)
                    session.add(item)
                elif chance.random() < 0.3:
                    results.append(shop.search.delete_record(item, session=session))
                    session.delete(item)
                    session.flush()
                    continue
                item.version = chance.randrange(1_000_000_000)
                results.append(shop.search.sync_record(item, session=session))
                session.flush()
        report.writes += 1
        report.accepted.update(id for result in results for id in result.work_ids)
    except DBAPIError:
        report.refused += 1


def _write_plainly(world: World, chance: random.Random, report: Report) -> None:
    """Insert, update, delete, move or replace rows by statements of a plain client; nobody is told."""
    low = chance.randrange(ROWS)
    row = {"low": low, "high": low + chance.randrange(4), "version": chance.randrange(1_000_000_000), "to": ROWS + low}
    ranged = "WHERE id BETWEEN :low AND :high"
    chosen = chance.choice(
        (
            [f"UPDATE items SET version = :version {ranged}"],
            [f"DELETE FROM items {ranged}"],
            ["DELETE FROM items WHERE id = :low", "INSERT INTO items (id, version) VALUES (:low, :version)"],
            ["DELETE FROM items WHERE id = :to", "UPDATE items SET id = :to WHERE id = :low"],
        )
    )
    try:
        with world.shop.engine.begin() as connection:
            for statement in chosen:
                connection.execute(text(statement), row)
        report.writes += 1
    except DBAPIError:
        report.refused += 1


def _write_related(world: World, chance: random.Random, report: Report) -> None:
    try:
        tables_beside.write(world.shop.engine, chance)
        report.writes += 1
    except DBAPIError:
        report.refused += 1


def _settled(world: World) -> bool:
    try:
        counts = world.shop.search.ledger.run(works.counts)
    except Exception:  # noqa: BLE001 - a connection that the last fault cut
        return False
    return not any(count for states in counts.values() for state, count in states.items() if state != "failed")


def _compare(world: World, report: Report) -> bool:
    shop, report.settled = world.shop, True
    with shop.session() as session:
        rows = {item.id: item.version for item in session.scalars(select(Item))}
    engine = shop.search.runtime.engine
    there = engine.documents("items", limit=10_000) if engine.index("items") else []
    documents = {document["id"]: document["version"] for document in there}
    report.documents = report.lost = report.ghosts = report.stale = 0
    _count(report, rows, documents)
    if shop.search.declares(Entry):
        entries = engine.documents("entries", limit=10_000) if engine.index("entries") else []
        _count(report, tables_beside.wanted(shop.engine), {document["id"]: document for document in entries})
    counts = shop.search.ledger.run(works.counts)
    report.failed = sum(count for states in counts.values() for state, count in states.items() if state == "failed")
    work = tables.work.c
    first = work.id >= min(report.accepted, default=0)
    ids = select(work.id).where(work.state == State.SUCCEEDED.value, first)
    done = set(shop.search.ledger.run(lambda tx: tx.execute(ids).scalars().all()))
    report.works = len(done)
    report.lost += len(report.accepted - done)
    return report.fine


def _count(report: Report, rows: Mapping[int, Any], documents: Mapping[int, Any]) -> None:
    report.documents += len(documents)
    report.lost += len(rows.keys() - documents.keys())
    report.ghosts += len(documents.keys() - rows.keys())
    report.stale += sum(rows[id] != documents[id] for id in rows.keys() & documents.keys())
