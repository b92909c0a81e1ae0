"""A seeded world: writers, workers that crash and oversleep, an engine that loses answers, one clock of our own.

The code under test is the real one; only the engine is in memory, and time passes a second with each step.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import orjson
from sqlalchemy import Column, Connection, Integer, MetaData, Table, create_engine, delete, event, insert, select, update
from sqlalchemy.pool import StaticPool

from scrypath_celery.config import Options
from scrypath_celery.ledger import Ledger, tables, works
from scrypath_celery.runtime import Runtime
from scrypath_celery.sync.converge import converge
from scrypath_celery.sync.drive import claim
from scrypath_celery.sync.relay import relay
from scrypath_celery.sync.step import Await, Steps
from scrypath_celery.work import Mode, Operation, State

from .engine import MemoryEngine

LEASE = 60
records = Table("record", MetaData(), Column("id", Integer, primary_key=True), Column("version", Integer))


@dataclass
class Reading:
    documents: dict[str, bytes] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    failures: dict[str, Any] = field(default_factory=dict)


class TableSource:
    """Reads the one table of this world; a stand-in for mapped classes, to make thousands of schedules cheap."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def read(self, schema: Any, ids: Any) -> Reading:
        reading = Reading()
        with self.engine.connect() as connection:
            rows = dict(connection.execute(select(records.c.id, records.c.version)).all())
            connection.rollback()
        for id in ids:
            if int(id) in rows:
                reading.documents[id] = orjson.dumps({"id": int(id), "version": rows[int(id)]})
            else:
                reading.gone.append(id)
        return reading


@dataclass
class World:
    """One schedule. `crash`, `sleep`, `lost` and `failing` are chances at each step."""

    seed: int
    crash: float = 0.02
    sleep: float = 0.02
    lost: float = 0.0
    failing: float = 0.0
    workers: int = 3
    documents: int = 4
    writes: int = 20

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        random.seed(self.seed)
        self.clock = 1_000_000
        self.database = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
        event.listen(self.database, "connect", self._turn_the_clock)
        records.metadata.create_all(self.database)
        self.ledger = Ledger(lambda: self.database)
        self.ledger.create_all()
        self.engine = MemoryEngine(self.chance, lost=self.lost, failing=self.failing)
        schema: Any = SimpleNamespace(uid="record", name="Record", key="id")
        schema.declared_settings, schema.fingerprint = dict, lambda: "one"
        self.runtime = Runtime(
            options=Options(lease=LEASE, publish_grace=1, relay_period=1, backoff=1, backoff_max=4, max_claims=10_000, pause_max=2),
            schemas=SimpleNamespace(by_uid=lambda uid: schema),  # type: ignore[arg-type]
            ledger=self.ledger,
            engine=self.engine,  # type: ignore[arg-type]
            source=TableSource(self.database),  # type: ignore[arg-type]
            publish=lambda uid, ids: None,
        )
        self.slots: list[Steps | None] = [None] * self.workers
        self.wishes: list[Any] = [None] * self.workers
        self.asleep = [0] * self.workers
        self.version = 0

    def _turn_the_clock(self, connection: Any, record: Any) -> None:
        connection.create_function("julianday", 1, lambda when: self.clock / 86400.0 + 2440587.5)

    def write(self, connection: Connection) -> None:
        """Insert, update or delete a record, with its work in the same transaction."""
        id, there = self.chance.randrange(self.documents), select(records.c.id)
        self.version += 1
        if connection.execute(there.where(records.c.id == id)).first() is None:
            connection.execute(insert(records).values(id=id, version=self.version))
        elif self.chance.random() < 0.3:
            connection.execute(delete(records).where(records.c.id == id))
        else:
            connection.execute(update(records).where(records.c.id == id).values(version=self.version))
        works.write(connection, "record", Operation.UPSERT, [str(id)], Mode.CELERY)

    def run(self) -> str:
        """Play the schedule; `equal`, `different`, or `stuck`."""
        written, calm, started = 0, None, self.clock
        while self.clock < started + 20_000:
            self.clock += 1
            self.engine.tick()
            if self.clock % 7 == 0:
                relay(self.runtime, force=True)
            if written < self.writes and self.chance.random() < 0.3:
                with self.database.begin() as connection:
                    self.write(connection)
                written += 1
                continue
            if written == self.writes and calm is None:
                calm = self.clock
            faulty = calm is None or self.clock < calm + 200
            if not faulty:
                self.engine.lost = self.engine.failing = 0.0
            self._step(faulty)
            if not faulty and self._is_quiet():
                relay(self.runtime, force=True)
                if self._is_quiet():
                    return "equal" if self._index() == self._rows() else "different"
        return "stuck"

    def _step(self, faulty: bool) -> None:
        awake = [slot for slot in range(self.workers) if self.asleep[slot] < self.clock]
        if not awake:
            return
        slot = self.chance.choice(awake)
        if faulty and self.slots[slot] is not None:
            if self.chance.random() < self.crash:
                self.slots[slot] = None
                return
            if self.chance.random() < self.sleep:
                self.asleep[slot] = self.clock + self.chance.choice([5, 80, 200])
                return
        self._advance(slot)

    def _advance(self, slot: int) -> None:
        steps = self.slots[slot]
        if steps is None:
            attempt = claim(self.runtime, "record")
            self.slots[slot], self.wishes[slot] = (converge(attempt) if attempt else None), None
            return
        try:
            wish = self.wishes[slot]
            if isinstance(wish, Await):
                self.wishes[slot] = steps.send(self.engine.tasks(wish.uids))
            else:
                self.wishes[slot] = next(steps)
        except StopIteration:
            self.slots[slot] = None

    def _is_quiet(self) -> bool:
        if self.engine.flying or any(self.slots):
            return False
        with self.database.connect() as connection:
            return connection.execute(
                select(tables.work.c.id).where(tables.work.c.state != State.SUCCEEDED.value).limit(1)
            ).first() is None

    def _index(self) -> dict[str, int]:
        return {id: document["version"] for id, document in self.engine.indexes.get("record", {}).items()}

    def _rows(self) -> dict[str, int]:
        with self.database.connect() as connection:
            return {str(id): version for id, version in connection.execute(select(records.c.id, records.c.version))}
