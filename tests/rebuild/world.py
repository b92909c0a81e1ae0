"""A seeded world with rebuilds: owners that die and oversleep at every step beside their successors.

The code under test is the real one. A process that drives a rebuild is a greenlet: before each transaction of the
ledger and each request to the engine it stands still until the schedule lets it go on, or ends it there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import greenlet
from sqlalchemy import Connection, delete, select

from scrypath_celery.convergence import relay as relaying
from scrypath_celery.convergence.converge import converge
from scrypath_celery.convergence.executor import claim
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import ScrypathError
from scrypath_celery.ledger import rebuilds, tables
from scrypath_celery.rebuild.begin import Asked, begin
from scrypath_celery.rebuild.held import Held, acquire
from scrypath_celery.rebuild.phases import GIVEN_UP, Phase
from scrypath_celery.rebuild.runner import _wants
from scrypath_celery.rebuild.step import Turn, step
from scrypath_celery.runtime import Runtime
from scrypath_celery.work import OPEN, Mode, Operation, State
from tests.convergence.stage import Record
from tests.convergence.world import UID, CrowdedLedger, Slot, World
from tests.rebuild.engine import RebuildEngine

T = TypeVar("T")

OLD = Schemas()
"""What the release before declares: the same index, without the doubled version in its documents."""
OLD.add(Record, fields=["version"])

NEW = Schemas()
NEW.add(Record, fields=["version", "doubled"])


def stand_still() -> None:
    """Let the schedule go on, where a driver runs."""
    here = greenlet.getcurrent()
    if here.parent is not None:
        here.parent.switch()


class StandingLedger(CrowdedLedger):
    """The ledger, before each of whose transactions a driver stands still."""

    def run(self, function: Callable[[Connection], T], *, checked: bool = True) -> T:
        stand_still()
        return super().run(function, checked=checked)

    def read(self, function: Callable[[Connection], T]) -> T:
        stand_still()
        return super().read(function)


@dataclass
class Driver:
    """A process that drives rebuilds: where it stands, and until when it sleeps."""

    body: greenlet.greenlet | None = None
    asleep: int = 0


@dataclass
class RebuildWorld(World):
    """`drivers` processes drive a rebuild of the index; `harm` is the chance that a foreign hand empties its target.

    The rebuild begins `after` so many writes. With `old` one of the workers is of the release before, until the writes
    are over; the swap waits for its end. `nap` is the chance that an owner oversleeps at a step of the cut-over.
    """

    drivers: int = 2
    harm: float = 0.0
    old: bool = False
    after: int = 0
    nap: float = 0.0
    deadline: int = 2_000  # two rebuilds, one after the other, where the first is abandoned

    def begin(self) -> None:
        super().begin()
        engine = RebuildEngine(self.chance, lost=self.lost, failing=self.failing, late=self.late)
        engine.interlude = stand_still
        self.engine: RebuildEngine = engine
        self.ledger = StandingLedger(lambda: self.stage.engine)
        options = replace(self.runtime.options, rebuild_ranges=2)
        seen = _View(engine)
        with self.stage.engine.begin() as connection:
            connection.execute(delete(tables.rebuild))
        self.runtime = replace(self.runtime, options=options, ledger=self.ledger, engine=seen, schemas=NEW)  # type: ignore[arg-type]
        self.processes = [Driver() for _ in range(self.drivers)]
        self.reasons: list[str] = []
        self.harmed = self.over = False
        self.veteran = self.slots[0] if self.old else None

    def _step(self) -> bool:
        harm = self.harm and not self.harmed and self.chance.random() < self.harm
        if harm:
            self._do_harm()
        awake = [one for one in self.processes if one.asleep < self.clock and self._has_work(one)]
        if awake and self.chance.random() < 0.4:
            one = self.chance.choice(awake)
            self._drive(one)
            self.over = self.over or (one.body is None and self._is_over())
            return True
        return super()._step() or bool(awake)

    def _has_work(self, one: Driver) -> bool:
        return one.body is not None or (self.version >= self.after and not self.over)

    def _drive(self, one: Driver) -> None:
        if one.body is None:
            one.body = greenlet.greenlet(self._body)
        elif self.faulty:
            fate = self.chance.random()
            if fate < self.crash:
                one.body.throw(greenlet.GreenletExit)
                one.body = None
                return
            if fate < self.crash + self.sleep or (fate < self.nap and self._is_cutting_over()):
                one.asleep = self.clock + self.chance.choice(self.sleeps)
                return
        for _ in range(self.chance.randint(1, 6 if not self.nap else 3)):
            one.body.switch()
            if one.body.dead:
                one.body, one.asleep = None, self.clock + 20
                return

    def _body(self) -> None:
        """What a process does with the rebuild that is there, or a command that begins one."""
        try:
            held = self._held()
            while held is not None:
                turn = step(held)
                self.idle = 0  # it may have written works
                if turn in (Turn.OVER, Turn.STOPPED):
                    self.reasons += [one["code"] for one in held.row.blocked]
                    held.release()
                    return
                if turn is Turn.WAITING:
                    held.release()
                    return
        except ScrypathError:
            return

    def _held(self) -> Held | None:
        row = self.stage.ledger.read(lambda tx: rebuilds.active(tx, UID))
        if row is not None and _wants(row) and row.fingerprint == NEW.of(Record).fingerprint():
            return acquire(self.runtime, NEW.of(Record), row)
        options = {"cutover": not self.old or not self.faulty, "allow_shrink": True}
        asked = Asked(operation=Operation.REINDEX, mode=Mode.CELERY, options=options)
        return begin(self.runtime, NEW.of(Record), asked)[0]

    def _do_harm(self) -> None:
        # Between its gate and its swap no process can see a foreign hand, and a moment later the index would be live.
        if any(one.body is not None for one in self.processes) and self._is_cutting_over():
            return
        row = self.stage.ledger.read(lambda tx: rebuilds.active(tx, UID))
        if row is not None and row.phase in (Phase.CATCH_UP, Phase.CUT_OVER) and row.target in self.engine.indexes:
            self.harmed = True
            self.engine.empty(str(row.target))

    def _claim(self, slot: Slot) -> None:
        if slot is not self.veteran:
            super()._claim(slot)
            return
        # The worker of the release before: it declares the same index otherwise, and goes when the writes are over.
        if not self.faulty:
            self.slots.remove(slot)
            return
        before: Runtime = replace(self.runtime, schemas=OLD)
        attempt = claim(before, UID)
        slot.attempt, slot.wish = attempt, None
        slot.steps = converge(attempt) if attempt is not None else None

    def _verdict(self) -> str:
        if self.engine.swapped_back:
            return "swapped back"
        index = self.engine.indexes.get(UID, {})
        rows = self.stage.ledger.read(lambda tx: tx.execute(select(Record.id, Record.version)).all())
        if {id: document["version"] for id, document in index.items()} != {str(row.id): row.version for row in rows}:
            return "different"
        if any(document.get("doubled") != 2 * document["version"] for document in index.values()):
            return "of the release before"
        declared = NEW.of(Record).declared_settings()
        return "equal" if self.engine.settings.get(UID) == declared else "without its settings"

    def _is_cutting_over(self) -> bool:
        row = self.stage.ledger.read(lambda tx: rebuilds.active(tx, UID))
        return row is not None and row.phase == Phase.CUT_OVER

    def _is_over(self) -> bool:
        rows = self.stage.ledger.read(lambda tx: rebuilds.latest(tx, UID, limit=3))
        return any(row.finished_at is not None and row.phase not in GIVEN_UP for row in rows)

    def _is_quiet(self) -> bool:
        if self.engine.flying or any(slot.steps for slot in self.slots) or not self.over:
            return False
        if any(one.body is not None for one in self.processes):
            return False
        states = [state.value for state in (*OPEN, State.FAILED)]
        unfinished = select(tables.work.c.id).where(tables.work.c.state.in_(states)).limit(1)
        if self.stage.ledger.read(lambda tx: tx.execute(unfinished).first()) is not None:
            return False
        written = self.stage.ledger.read(lambda tx: tx.execute(select(tables.work.c.id)).all())
        relaying.relay(self.runtime, force=True)
        return written == self.stage.ledger.read(lambda tx: tx.execute(select(tables.work.c.id)).all())


class _View:
    """The engine as the adapter offers it, where a name of the engine in memory means something else."""

    def __init__(self, engine: RebuildEngine) -> None:
        self._engine = engine

    def settings(self, index: str) -> dict[str, Any] | None:
        return self._engine.live_settings(index)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)
