"""Running claims: single changes are waited for together, bulk works are handed over as soon as they are sent.

The engine merges what waits in its queue, and every batch has a price of its own. So the next payload never waits for
the last one: what is in flight is bounded by bytes and documents, not by a number of claims.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ..ledger import backlog, claims, ready
from ..ledger.claims import is_suspect
from ..runtime import Runtime, identity
from ..work import EngineTask
from .bulk import Bulk
from .checkpoints import Phase
from .claim_run import ClaimRun
from .converge import converge
from .fan_out import FanOuts
from .in_flight import GROWTH, InFlightClaim, Poll, release_all
from .pace import Pace
from .poll import poll
from .summary import Summary
from .traced import traced

MAX_WAITING = 50_000
"""Documents of claims that this process waits for at once: their ids are what it holds in memory."""
AGAIN_FIRST, AGAIN_MAX = 0.02, 0.2
"""Seconds between two looks for works that became ready while claims are waited for: they grow while none are found."""
TURN = 8
"""Claims of single changes in a row after which a bulk claim has its turn: changes without end would starve it."""
FIRST_TURN = 2
"""The same for the first turn of a call, which may have time for a few claims only."""
CONCLUDE = 1.0
"""Seconds between two looks how the engine's tasks of handed over works ended."""
RESUME = 2.0
"""Seconds after which the relay goes on with bulk works that had to wait for the engine."""

Progress = Callable[[Summary], None]
"""Called with what the claims that have ended came to."""


def claim(
    runtime: Runtime,
    uid: str,
    *,
    only: Sequence[int] | None = None,
    task_id: str | None = None,
    suspects: bool = True,
    bulk: int | None = None,
    bulk_first: bool = False,
    singles: bool = True,
) -> ClaimRun | None:
    """Claim what is ready of one index, which this process has to declare; None where nothing may be claimed.

    Single changes come before bulk works, of which a claim holds at most `bulk` documents (None: as the options say),
    unless it is the turn of those (`bulk_first`); without `singles` they are left to others.
    `suspects=False` leaves out works that may end the process: they would take what else is under way with them.
    """
    schema = runtime.schemas.by_uid(uid)
    if schema is None:
        return None
    options = runtime.options
    take = partial(
        claims.take,
        uid=uid,
        documents=options.claim_documents if singles else 0,
        bulk_documents=options.bulk_documents if bulk is None else bulk,
        lease=options.lease,
        worker=identity(runtime.node),
        only=only,
        task_id=task_id,
        suspects=suspects,
        fingerprint=schema.fingerprint(),
        bulk_first=bulk_first,
    )
    began = time.monotonic()
    held = runtime.ledger.run(lambda tx: take(tx))
    claiming = time.monotonic() - began
    if held is None:
        return None
    index = held.target or runtime.uid_of(schema)
    run = ClaimRun(runtime=runtime, claim=held, schema=schema, index=index, to_target=held.target is not None)
    run.spend(Phase.CLAIM, claiming)
    return run


def run_ready_works(
    runtime: Runtime,
    uid: str,
    *,
    seconds: float,
    only: Sequence[int] | None = None,
    task_id: str | None = None,
    wait: bool = True,
    follow: bool = False,
    progress: Progress | None = None,
    bulk: bool | None = None,
    total: Summary | None = None,
) -> Summary:
    """Claim and converge what is ready of one index until nothing is, or `seconds` are over.

    `only` names the works to take, which are waited for however long it takes; `wait=False` leaves the last wait of
    each claim out (its works end `submitted`). Works of backfills and rebuilds always end so, unless `follow`: a call
    goes on where the last one stopped without the engine's queue running dry, and concludes what that one sent.
    `bulk` takes works of backfills and rebuilds alone, or leaves these out (None: all are taken). `progress` is told
    after each claim what there is so far, and `total` is what it is added to: it is there after an error, too. Whatever
    stops this process releases its claims.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    run = _Run(
        runtime=runtime,
        uid=uid,
        only=None if only is None else list(only),
        task_id=task_id,
        wait=wait,
        follow=follow or only is not None,
        progress=progress,
        end=time.monotonic() + seconds,
        kind=bulk,
        total=Summary() if total is None else total,
    )
    try:
        run.through()
    except BaseException:
        release_all(run.in_flight)
        raise
    return run.total


@dataclass(kw_only=True)
class _Run:
    """One call of `run_ready_works`."""

    runtime: Runtime
    uid: str
    only: list[int] | None
    task_id: str | None
    wait: bool
    follow: bool
    end: float
    progress: Progress | None = None
    kind: bool | None = None
    total: Summary = field(default_factory=Summary)
    single_in_a_row: int = TURN - FIRST_TURN
    in_flight: list[InFlightClaim] = field(default_factory=list)
    more: bool = True
    looked: float = 0.0
    again: float = AGAIN_FIRST
    pace: Pace = field(default_factory=Pace)
    concluded: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.bulk = Bulk(runtime=self.runtime)
        self.polling = Poll(runtime=self.runtime)
        self.fan_outs = FanOuts(runtime=self.runtime, uid=self.uid, only=self.only, task_id=self.task_id)

    def through(self) -> None:
        """Go on until nothing is ready and nothing is waited for, or the time is over."""
        while True:
            over = time.monotonic() >= self.end
            if not over and self.more and self._room() and not self._is_paced():
                self._claim()
            elif self.in_flight:
                if over and self._hand_over():
                    continue
                self._wait()
                self._look_again()
            else:
                break
            if self.in_flight and self.polling.due:
                self._ask()
            self._conclude(CONCLUDE)
        self._conclude(CONCLUDE if self.total.claims else 0.0)

    def _claim(self) -> None:
        began = time.monotonic()
        resolved = self.fan_outs.page(self.total)
        run = self._next()
        self.more, self.looked = run is not None or resolved, time.monotonic()
        if run is None:
            self.pace.found_nothing()
            return
        one = InFlightClaim(run=run, steps=traced(run, converge(run)), waits=self.wait)
        one.waits = self.wait and (self.follow or not one.bulk or one.judged)
        if not self.in_flight:
            self.polling.begin()
        self.in_flight.append(one)
        one.advance(None)
        if one.bulk:
            self.bulk.note(len(run.claim.ids), run.sent_bytes)
        elif self.only is None:
            now = time.monotonic()
            self.pace.claimed(len(run.claim.ids), spent=now - began, now=now)
        self._gather()

    def _is_paced(self) -> bool:
        return bool(self.in_flight) and time.monotonic() < self.pace.until

    def _next(self) -> ClaimRun | None:
        """Claim single changes where there are any, else bulk works as far as they are not held back."""
        take = partial(claim, self.runtime, self.uid, only=self.only, task_id=self.task_id, suspects=not self.in_flight)
        if self.only is not None:
            return take()
        ready = self.runtime.ledger.read(partial(backlog.ready, uid=self.uid))
        if self.kind is not None:
            ready = replace(ready, live=ready.live and not self.kind, bulk=ready.bulk and self.kind)
        turn = ready.bulk and self.single_in_a_row >= TURN
        found = take(bulk=0) if ready.live and not turn else None
        if found is not None or not ready.bulk:
            self.single_in_a_row += 1
            return found
        self.single_in_a_row = 0
        allowed = self.bulk.allowance()
        self.total.held_back = allowed == 0
        if allowed:
            return take(bulk=allowed, bulk_first=turn, singles=not self.kind)
        self.runtime.ledger.run(partial(backlog.resume_soon, uid=self.uid, seconds=RESUME))
        return take(bulk=0) if ready.live else None

    def _room(self) -> bool:
        """Whether another claim may be under way beside these."""
        if any(is_suspect(one.run.claim.works[0]) for one in self.in_flight):
            return False
        return sum(one.run.outcome.documents for one in self.in_flight) < MAX_WAITING

    def _ask(self) -> None:
        self.polling.ask(self.in_flight)
        self._gather()

    def _gather(self) -> None:
        """Add up the claims that have ended."""
        for one in [one for one in self.in_flight if one.awaiting is None]:
            self.in_flight.remove(one)
            outcome = one.run.outcome
            if one.bulk and not self.follow:  # ids of a whole table are nothing to keep
                outcome.indexed, outcome.deleted = set(), set()
            self.total.add(outcome)
            self.more = self.more and outcome.paused is None
            if self.progress is not None:
                self.progress(self.total)

    def _wait(self) -> None:
        """Wait until the engine is to be asked again, or the ledger is to be looked at, if that is due before."""
        look = None if self._looks_no_more() else self.looked + self.again
        self.polling.wait(self.pace.until if self.more and self._is_paced() else look)

    def _looks_no_more(self) -> bool:
        return self.only is not None or self.more or self.total.paused is not None

    def _look_again(self) -> None:
        """Find what became ready meanwhile: nothing of an index waits for what this process waits for."""
        if self._looks_no_more() or time.monotonic() - self.looked < self.again:
            return
        self.looked = time.monotonic()
        self.more = self.runtime.ledger.read(lambda tx: ready.any_ready(tx, self.uid))
        self.again = AGAIN_FIRST if self.more else min(self.again * GROWTH, AGAIN_MAX)

    def _hand_over(self) -> bool:
        """Let works end `submitted` whose verdict only has to be noted; whether there were any."""
        if self.only is not None or self.follow:
            return False
        ready = [one for one in self.in_flight if one.awaiting and one.awaiting.last and not one.judged]
        for one in ready:
            one.advance(None)
        self._gather()
        return bool(ready)

    def _conclude(self, period: float) -> None:
        """Note how the engine's tasks of works that were handed over ended."""
        if self.only is None and time.monotonic() - self.concluded >= period:
            poll(self.runtime)
            self.concluded = time.monotonic()


def await_tasks(runtime: Runtime, uids: Sequence[int]) -> dict[int, EngineTask]:
    """Wait for engine tasks outside any claim; those that the engine knows, terminal unless the wait ran out.

    Raises:
        EngineError: the engine could not be asked.
    """
    interval, pause, end = (
        runtime.options.poll_first,
        threading.Event(),
        time.monotonic() + runtime.options.await_seconds,
    )
    while True:
        tasks = runtime.engine.tasks(uids)
        if all(task.terminal for task in tasks.values()) or time.monotonic() > end:
            return tasks
        pause.wait(interval)
        interval = min(interval * GROWTH, runtime.options.poll_max)
