"""What a call that writes gives back; it fills in as things happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from ..argument_checks import seconds
from ..convergence.summary import Summary
from ..errors import SessionError
from ..ledger import Ledger, fan_outs, works
from ..work import Mode, State

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.5
"""The first wait between two looks at the ledger, and the longest (seconds)."""


class ResultState(StrEnum):
    """How far a call got.

    `off`: nothing was recorded (mode off, paused, or nothing given). `deferred`: it waits for its transaction.
    `discarded`: its transaction or savepoint was rolled back, or its record was never saved. `accepted`: it is
    committed in the ledger (`celery`), or the engine accepted it (`manual`), or it is left to a worker (`reason` says
    why). `submitted`: the engine accepted it and the wait ran out. `completed`: the engine finished it.
    `failed`: it is a dead letter (`reason` is its class).
    """

    OFF = "off"
    DEFERRED = "deferred"
    DISCARDED = "discarded"
    ACCEPTED = "accepted"
    SUBMITTED = "submitted"
    COMPLETED = "completed"
    FAILED = "failed"


RECORD_EXISTS = "record_exists"
"""The reason of a deletion whose record is still there: it was indexed again, since the database decides."""

REPLACED = "replaced"
"""The reason of a call for later whose date was changed by another."""

PRUNED = "pruned"
"""The reason of a call whose works ended so long ago that the ledger has forgotten how."""

LEFT_TO_WORKER = "left_to_worker"
"""The reason of a call whose works its process could not run."""


@dataclass(kw_only=True)
class SyncResult:
    """The result of one call.

    `document_count` counts what the call was given. `work_ids` are rows of the ledger (several calls of one
    transaction may share one), `engine_task_uids` the engine's tasks, known in the modes that run in the caller.
    """

    mode: Mode
    document_count: int
    state: ResultState = ResultState.DEFERRED
    work_ids: tuple[int, ...] = ()
    engine_task_uids: tuple[int, ...] = ()
    reason: str | None = None
    ledger: Ledger | None = field(default=None, repr=False, compare=False)
    fans_out: bool = field(default=False, repr=False, compare=False)
    is_scheduled: bool = field(default=False, repr=False, compare=False)
    _running: asyncio.Future[Any] | None = field(default=None, init=False, repr=False, compare=False)
    _in_outer: bool = field(default=False, init=False, repr=False, compare=False)
    _patience: float | None = field(default=None, init=False, repr=False, compare=False)

    def wait(self, timeout: float | None = None) -> SyncResult:
        """Wait until the documents of this call are searchable; the result itself, with what it came to.

        Within an event loop it is awaited: `await result.wait(5)`. It ends with the state `completed`, or `failed`
        where a work became a dead letter or was cancelled, or `discarded` where another date took its place. After
        `timeout` (seconds; None: as long as it takes) any other state says that they are not searchable yet; whatever
        is under way goes on.

        Raises:
            ConfigError: `timeout` is no number of seconds. SessionError: the call's transaction is not over.
            LedgerError: the ledger cannot be asked.
        """
        timeout = None if timeout is None else seconds("timeout", timeout)
        if self.state is ResultState.DEFERRED:
            raise SessionError("nothing of this call is committed yet: wait for it after the commit")
        self._patience = timeout
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            for pause in pauses(timeout):
                if self._look():
                    break
                time.sleep(pause)
        return self

    def __await__(self) -> Generator[Any, None, SyncResult]:
        """Go on where `wait` was called within an event loop, which goes on meanwhile."""
        return self._visible().__await__()

    async def _visible(self) -> SyncResult:
        if self._running is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience):
                    await asyncio.shield(self._running)
        for pause in pauses(self._patience):
            if await asyncio.to_thread(self._look):
                break
            await asyncio.sleep(pause)
        return self

    def _look(self) -> bool:
        """Ask the ledger how its works stand; whether there is nothing to wait for."""
        if self.ledger is None or self.state not in (ResultState.ACCEPTED, ResultState.SUBMITTED):
            return True
        found = self.ledger.read(partial(works.standing, ids=self.work_ids))
        if len(found) < len(self.work_ids):
            if self._in_outer:
                return False
            # No wait makes them come back.
            self.state, self.reason = (ResultState.DISCARDED, REPLACED) if self.is_scheduled else (self.state, PRUNED)
            return True
        if self.fans_out:  # what the works were resolved into counts, too
            found += self.ledger.read(partial(fan_outs.standing, ids=self.work_ids))
        if all(state is State.SUCCEEDED for state, _ in found):
            self.state, self.reason = ResultState.COMPLETED, None
            return True
        lost = [reason for state, reason in found if state in (State.FAILED, State.CANCELLED)]
        if lost:
            self.state, self.reason = ResultState.FAILED, lost[0] or State.CANCELLED.value
        return bool(lost)

    def follow(self, running: asyncio.Future[Any]) -> None:
        """Note what runs its works, in a thread of the event loop's."""
        self._running = running

    def hold(self, ids: Iterable[int]) -> None:
        """Note works that were written for this call."""
        self.work_ids = tuple(sorted({*self.work_ids, *ids}))

    def lose(self, ids: Iterable[int]) -> None:
        """Forget works that were rolled back."""
        self.work_ids = tuple(sorted(set(self.work_ids) - set(ids)))

    def commit(self, *, in_outer: bool = False) -> None:
        """Its transaction is committed: its works are in the ledger, or it has none.

        `in_outer`: its session committed within a transaction of somebody else's, which is still open.
        """
        self._in_outer = in_outer
        self.state = ResultState.ACCEPTED if self.work_ids else ResultState.DISCARDED

    def leave(self) -> None:
        """Its works could not be run here: a worker runs them."""
        self.reason = LEFT_TO_WORKER

    def take(self, outcome: Summary, *, record_exists: bool) -> None:
        """Take in what running its works came to; `record_exists`: a record that it deletes was indexed again."""
        self.engine_task_uids = tuple(sorted({*self.engine_task_uids, *outcome.engine_uids}))
        self.state, self.reason = self._standing(set(self.work_ids), outcome)
        if self.reason is None and record_exists:
            self.reason = RECORD_EXISTS

    def _standing(self, ours: set[int], outcome: Summary) -> tuple[ResultState, str | None]:
        failed = [outcome.failed[id].value for id in sorted(ours & outcome.failed.keys())]
        retrying = [outcome.retrying[id].value for id in sorted(ours & outcome.retrying.keys())]
        if failed:
            return ResultState.FAILED, failed[0]
        if retrying:
            return ResultState.ACCEPTED, retrying[0]
        if ours <= set(outcome.succeeded):
            return ResultState.COMPLETED, None
        if ours <= {*outcome.succeeded, *outcome.submitted}:
            return (ResultState.ACCEPTED if self.mode is Mode.MANUAL else ResultState.SUBMITTED), None
        return ResultState.ACCEPTED, outcome.paused.value if outcome.paused else LEFT_TO_WORKER


def pauses(timeout: float | None) -> Iterator[float]:
    """Waits (seconds) that grow, until `timeout` is over; the last look comes after the last of them."""
    end, pause = None if timeout is None else time.monotonic() + timeout, FIRST_PAUSE
    while end is None or (left := end - time.monotonic()) > 0:
        yield pause if end is None else min(pause, left)
        pause = min(pause * 1.5, LONGEST_PAUSE)
    yield 0.0
