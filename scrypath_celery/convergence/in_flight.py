"""Claims under way in one process: each goes on to its next wait, and all wait with one poll."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import EngineError, ScrypathError
from ..logs import log
from ..runtime import Runtime
from ..work import BULK, EngineTask, State
from .checkpoints import PHASES, Await, Phase, Step, Steps
from .claim_run import ClaimRun, Lost
from .settle import release

GROWTH = 1.2
"""How the wait between two polls grows: it stays at about a sixth of the time waited so far."""


@dataclass(kw_only=True)
class InFlightClaim:
    """A claim under way: what it waits for, since when, and when it was last renewed.

    Without `waits` its works end `submitted`. `broken` is one that ended with an error that nobody foresaw.
    """

    run: ClaimRun
    steps: Steps
    waits: bool
    awaiting: Await | None = None
    waiting_since: float = 0.0
    renewed: float = field(default_factory=time.monotonic)
    broken: bool = False

    @property
    def bulk(self) -> bool:
        """Whether its works are of a backfill or a rebuild."""
        return self.run.claim.works[0].operation in BULK

    @property
    def judged(self) -> bool:
        """Whether its works were sent before and did not succeed: only who waits finds the document to blame."""
        return any(work.state is State.RETRYING for work in self.run.claim.works)

    def advance(self, answer: dict[int, EngineTask] | None) -> None:
        """Run up to the next wait, or to the end (then `awaiting` is None)."""
        since = time.monotonic()
        if self.awaiting is not None:
            self.run.spend(Phase.AWAIT, since - self.waiting_since)
        try:
            found = self.steps.send(answer) if self.awaiting is not None else next(self.steps)
            while True:
                since = self._spent(found, since)
                if not isinstance(found, Await):
                    found = next(self.steps)
                elif found.last and not self.waits:
                    found = self.steps.send(None)
                else:
                    self.awaiting, self.waiting_since = found, time.monotonic()
                    self.renewed = self.waiting_since
                    return
        except StopIteration:
            self.awaiting = None
        except ScrypathError:
            raise
        except Exception:
            self.broken = True
            raise

    def _spent(self, found: Step | Await, since: float) -> float:
        """Count the time up to a step; when the next one begins."""
        at = time.monotonic()
        self.run.spend(None if isinstance(found, Await) else PHASES.get(found), at - since)
        return at

    def renew(self) -> bool:
        """Renew the lease during a wait; false where it is gone, and the claim has ended with its report."""
        try:
            self.run.renew_lease()
        except Lost as lost:
            try:
                self.steps.throw(lost)
                for _ in self.steps:
                    continue
            except StopIteration:
                pass
            self.awaiting = None
            return False
        self.renewed = time.monotonic()
        return True


@dataclass(kw_only=True)
class Poll:
    """One poll for all that the claims under way wait for, at intervals that grow while nothing ends."""

    runtime: Runtime
    interval: float = 0.0
    asked: float = 0.0
    _pause: threading.Event = field(default_factory=threading.Event)

    @property
    def due(self) -> bool:
        """Whether the interval since the last poll is over."""
        return time.monotonic() - self.asked >= self.interval

    def begin(self) -> None:
        """Start with the shortest interval."""
        self.asked, self.interval = time.monotonic(), self.runtime.options.poll_first

    def wait(self, until: float | None = None) -> None:
        """Sleep until the next poll is due, or until a time (of `time.monotonic`) before."""
        due = self.asked + self.interval
        self._pause.wait(max(0.0, (due if until is None else min(due, until)) - time.monotonic()))

    def ask(self, in_flight: Sequence[InFlightClaim]) -> None:
        """Ask the engine once, and let those claims go on that can."""
        options = self.runtime.options
        wanted = frozenset[int]().union(*(one.awaiting.uids for one in in_flight if one.awaiting))
        try:
            tasks: dict[int, EngineTask] | None = self.runtime.engine.tasks(wanted)
        except EngineError:
            tasks = None
        moved = False
        for one in in_flight:
            answer = _answer(one, tasks)
            over = time.monotonic() - one.waiting_since > options.await_seconds
            if tasks is None or over or (answer is not None and all(task.terminal for task in answer.values())):
                moved = True
                one.advance(answer)
            elif time.monotonic() - one.renewed > options.lease / 4:
                moved |= not one.renew()
        self.asked = time.monotonic()
        self.interval = options.poll_first if moved else self._longer()

    def _longer(self) -> float:
        options = self.runtime.options
        return min(max(self.interval, options.poll_first) * GROWTH, options.poll_max)


def _answer(one: InFlightClaim, tasks: dict[int, EngineTask] | None) -> dict[int, EngineTask] | None:
    if tasks is None or one.awaiting is None:
        return None
    return {uid: tasks[uid] for uid in one.awaiting.uids if uid in tasks}


def release_all(in_flight: Sequence[InFlightClaim]) -> None:
    """Let all claims go: whatever stops this process, their works are ready for another at once."""
    for one in in_flight:
        one.steps.close()
        try:
            release(one.run, blame=one.broken)
        except ScrypathError as exc:  # the lease runs out instead
            log("claim_not_released", error=exc.code)
