"""What a call that writes gives back; it fills in as things happen."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..convergence.summary import Summary
from ..work import Mode


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
    _running: asyncio.Future[Any] | None = field(default=None, repr=False, compare=False)

    async def wait(self, timeout: float | None = None) -> SyncResult:  # noqa: ASYNC109 - as threading and queues have it
        """Wait until works that run in this process after the commit of an AsyncSession are done; the result itself.

        `timeout` is in seconds (None: as long as it takes). In the mode `celery` there is nothing to wait for here.

        Raises:
            TimeoutError: they are not done in time; they go on.
        """
        if self._running is not None:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._running)
        return self

    def follow(self, running: asyncio.Future[Any]) -> None:
        """Note what runs its works, in a thread of the event loop's."""
        self._running = running

    def hold(self, ids: Iterable[int]) -> None:
        """Note works that were written for this call."""
        self.work_ids = tuple(sorted({*self.work_ids, *ids}))

    def lose(self, ids: Iterable[int]) -> None:
        """Forget works that were rolled back."""
        self.work_ids = tuple(sorted(set(self.work_ids) - set(ids)))

    def commit(self) -> None:
        """Its transaction is committed: its works are in the ledger, or it has none."""
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
