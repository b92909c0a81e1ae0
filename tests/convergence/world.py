"""A seeded world: writers, workers that crash, oversleep or shut down, an engine that loses answers, and relays.

The code under test is the real one; only the engine is in memory, and a second passes with each step.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, delete, insert, select, update

from scrypath_celery.config import Options
from scrypath_celery.convergence import relay as relaying
from scrypath_celery.convergence.checkpoints import Await, Step, Steps
from scrypath_celery.convergence.claim_run import ClaimRun
from scrypath_celery.convergence.converge import converge
from scrypath_celery.convergence.executor import claim
from scrypath_celery.convergence.poll import poll
from scrypath_celery.convergence.settle import release
from scrypath_celery.ledger import Ledger, tables, works
from scrypath_celery.runtime import Runtime
from scrypath_celery.work import Mode, Operation, State
from tests.convergence.engine import MemoryEngine
from tests.convergence.stage import Record, Stage

T = TypeVar("T")

LEASE = 20
RELAY_PERIOD = 15
CALM = 15
"""Ticks after the last write in which things still go wrong."""
DEADLINE = 600
"""Ticks after that in which everything must be settled."""
UID = Record.__tablename__


class Died(Exception):
    """The process that makes a pass of the relay ends in the middle of it."""


class CrowdedLedger(Ledger):
    """The ledger, between whose transactions `interlude` lets others act."""

    interlude: Callable[[], None] | None = None
    is_bound = True
    """Its one connection belongs to the one thread of the schedule, so that no watchdog is started."""

    def run(self, function: Callable[[Connection], T], *, checked: bool = True) -> T:
        if self.interlude is not None:
            self.interlude()
        return super().run(function, checked=checked)


@dataclass
class Slot:
    """A worker: what it is at, what it waits for, and until when it sleeps."""

    attempt: ClaimRun | None = None
    steps: Steps | None = None
    wish: Step | Await | None = None
    asleep: int = 0


@dataclass
class World:
    """One schedule. `crash`, `sleep`, `shutdown`, `hurry`, `lost` and `failing` are chances at each step.

    A worker in a hurry leaves without the engine's verdict. `pace` is the chance of a write in a tick.
    """

    stage: Stage
    seed: int
    crash: float = 0.03
    sleep: float = 0.04
    shutdown: float = 0.02
    hurry: float = 0.15
    lost: float = 0.06
    failing: float = 0.05
    workers: int = 3
    documents: int = 3
    writes: int = 8
    pace: float = 0.12
    sleeps: tuple[int, ...] = (3, 25, 40)
    late: tuple[int, ...] = (5, 20, 40)
    deadline: int = DEADLINE
    slots: list[Slot] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start anew, on an empty stage."""
        self.chance = random.Random(self.seed)
        random.seed(self.seed)  # the code's own jitter
        self.stage.clear()
        self.start = self.stage.clock
        self.engine = MemoryEngine(self.chance, lost=self.lost, failing=self.failing, late=self.late)
        self.ledger = CrowdedLedger(lambda: self.stage.engine)
        self.slots = [Slot() for _ in range(self.workers)]
        self.version = self.passes = self.idle = 0
        self.unchanged_during_count: int | None = None
        options = Options(
            lease=LEASE, publish_grace=1, backoff=1, backoff_max=3, max_claims=10_000, max_attempts=1_000, pause_max=2
        )
        self.runtime = Runtime(
            options=options,
            schemas=self.stage.schemas,
            ledger=self.ledger,
            engine=self.engine,  # type: ignore[arg-type]
            source=self.stage.source,
            publish=lambda uid, ids, **about: None,
        )

    @property
    def clock(self) -> int:
        """Ticks since the start."""
        return self.stage.clock - self.start

    @property
    def faulty(self) -> bool:
        """Whether things may still go wrong."""
        return self.unchanged_during_count is None or self.clock < self.unchanged_during_count + CALM

    def run(self) -> str:
        """Play the schedule: `equal`, `different`, `without its settings`, or `stuck`."""
        while self.unchanged_during_count is None or self.clock < self.unchanged_during_count + self.deadline:
            self._tick()
            if self.clock % RELAY_PERIOD == 0:
                self._relay()
            elif self.version < self.writes and self.chance.random() < self.pace:
                self._write()
            elif not self._step() and not self.faulty:
                if self._is_quiet():
                    return self._verdict()
                for _ in range(RELAY_PERIOD - self.clock % RELAY_PERIOD - 1):
                    self._tick()
        return "stuck"

    def _tick(self) -> None:
        self.stage.clock += 1
        self.engine.tick()
        if self.unchanged_during_count is None and self.version == self.writes:
            self.unchanged_during_count = self.clock
        if not self.faulty:
            self.engine.lost = self.engine.failing = 0.0

    def _write(self) -> None:
        """Insert, update or delete a record, with its work in the same transaction."""
        id = self.chance.randrange(1, self.documents + 1)
        self.version += 1
        with self.stage.engine.begin() as connection:
            there = connection.execute(select(Record.id).where(Record.id == id)).first()
            if there is None:
                connection.execute(insert(Record).values(id=id, version=self.version))
            elif self.chance.random() < 0.3:
                connection.execute(delete(Record).where(Record.id == id))
            else:
                connection.execute(update(Record).where(Record.id == id).values(version=self.version))
            works.write(connection, UID, Operation.UPSERT, [str(id)], Mode.CELERY)
        self.idle = 0

    def _relay(self) -> None:
        """A pass of the relay, which others get between and which may end anywhere; all of it every third time."""
        self.passes += 1
        if self.faulty:
            self.ledger.interlude = self._interlude
        try:
            if self.passes % 4 == 0:
                relaying.relay(self.runtime, force=True)
            else:
                relaying.free(self.runtime)
                poll(self.runtime)
                relaying.watch(self.runtime)
        except Died:
            return
        finally:
            self.ledger.interlude = None
            self.idle = 0

    def _interlude(self) -> None:
        interlude, self.ledger.interlude = self.ledger.interlude, None
        if self.chance.random() < 0.3:
            self._step()
        if self.chance.random() < self.crash / 2:
            raise Died
        self.ledger.interlude = interlude

    def _step(self) -> bool:
        """Let one worker that is awake and has something to do go a step; false where there is none."""
        ready = [slot for slot in self.slots if slot.asleep < self.clock and (slot.steps or self.idle < self.clock)]
        if not ready:
            return any(slot.asleep >= self.clock for slot in self.slots)
        slot = self.chance.choice(ready)
        if slot.steps is None:
            self._claim(slot)
        elif not (self.faulty and self._mishap(slot)):
            self._advance(slot)
        return True

    def _mishap(self, slot: Slot) -> bool:
        """Perhaps the worker is killed, falls asleep, or is shut down."""
        fate = self.chance.random()
        if fate < self.crash:
            slot.steps = None
        elif fate < self.crash + self.sleep:
            slot.asleep = self.clock + self.chance.choice(self.sleeps)
        elif fate < self.crash + self.sleep + self.shutdown:
            assert slot.steps is not None
            assert slot.attempt is not None
            slot.steps.close()
            release(slot.attempt)
            slot.steps = None
        else:
            return False
        return True

    def _claim(self, slot: Slot) -> None:
        options = replace(self.runtime.options, claim_documents=self.chance.choice([1, 2, 10]))
        attempt = claim(replace(self.runtime, options=options), UID)
        slot.attempt, slot.wish = attempt, None
        slot.steps = converge(attempt) if attempt is not None else None
        if attempt is None:  # nothing is ready, for nobody
            self.idle = self.clock + 6

    def _advance(self, slot: Slot) -> None:
        assert slot.steps is not None
        try:
            if isinstance(slot.wish, Await):
                hurried = self.faulty and self.chance.random() < self.hurry
                slot.wish = slot.steps.send(None if hurried else self.engine.tasks(slot.wish.uids))
            else:
                slot.wish = next(slot.steps)
        except StopIteration:
            slot.steps, self.idle = None, 0

    def _is_quiet(self) -> bool:
        """Whether nothing is under way, and nothing is left to do."""
        if self.engine.flying or any(slot.steps for slot in self.slots):
            return False
        unfinished = select(tables.work.c.id).where(tables.work.c.state != State.SUCCEEDED.value).limit(1)
        if self.stage.ledger.read(lambda tx: tx.execute(unfinished).first()) is not None:
            return False
        written = self.stage.ledger.read(lambda tx: tx.execute(select(tables.work.c.id)).all())
        relaying.relay(self.runtime, force=True)
        return written == self.stage.ledger.read(lambda tx: tx.execute(select(tables.work.c.id)).all())

    def _verdict(self) -> str:
        index: dict[str, Any] = self.engine.indexes.get(UID, {})
        rows = self.stage.ledger.read(lambda tx: tx.execute(select(Record.id, Record.version)).all())
        same = {id: document["version"] for id, document in index.items()} == {str(row.id): row.version for row in rows}
        if UID in self.engine.indexes and self.engine.settings.get(UID) != self.stage.schema.declared_settings():
            return "without its settings"
        return "equal" if same else "different"
