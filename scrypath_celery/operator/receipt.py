"""What becomes of a retried work, followed until its documents are seen in the index, or to the end of a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from ..errors import EngineError, LedgerError, SourceError, WorkError
from ..ledger import works
from ..runtime import Runtime
from ..work import State, Work
from .comparison import compare
from .serialization import one_line

POLL = 0.25
"""Seconds between two looks."""

READ_BACK = 50
"""The most documents of a work that are read back; its first ones."""


class Stage(StrEnum):
    """How far a retried work got.

    `accepted`: it is in the ledger, and waits. `running`: a worker has it, or the engine. `verified`: its documents
    were read back from the index and are what the records give now. `failed`: it is a dead letter again, or was given
    up. `unknown`: the time ran out, or a part could not be read.
    """

    ACCEPTED = "accepted"
    RUNNING = "running"
    VERIFIED = "verified"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """How a retried work ended. `state` is the last that was seen (None: it could not be read).

    `documents` is how many were read back, of those that the work names; `seconds` is how long that was waited for.
    """

    id: int
    stage: Stage
    state: State | None
    documents: int
    of: int
    seconds: float
    reason: str | None = None


STAGES = {
    State.PENDING: Stage.ACCEPTED,
    State.RETRYING: Stage.ACCEPTED,
    State.RUNNING: Stage.RUNNING,
    State.SUBMITTED: Stage.RUNNING,
    State.FAILED: Stage.FAILED,
    State.CANCELLED: Stage.FAILED,
}
"""What each state says; of `succeeded` the documents themselves are asked."""

Note = Callable[[Stage], None]


def wait_for(runtime: Runtime, id: int, *, seconds: float, note: Note = lambda stage: None) -> Receipt:
    """Follow a work for `seconds` at most; `note` is told of each stage that it reaches.

    Never raises what a part that does not answer raises: the receipt says that it is unknown.
    """
    began, pause = time.monotonic(), threading.Event()
    last: Stage | None = None
    while True:
        found = _look(runtime, id)
        spent = time.monotonic() - began
        if found.stage is not last and found.stage in (Stage.ACCEPTED, Stage.RUNNING):
            last = found.stage
            note(found.stage)
        if found.stage in (Stage.VERIFIED, Stage.FAILED) or spent >= seconds:
            return found.after(id, spent)
        pause.wait(min(POLL, max(seconds - spent, 0.0)))


@dataclass(frozen=True, kw_only=True)
class _Seen:
    stage: Stage
    state: State | None = None
    documents: int = 0
    of: int = 0
    reason: str | None = None

    def after(self, id: int, seconds: float) -> Receipt:
        """The receipt of the last look: what is still on its way then has an unknown end."""
        over = self.stage in (Stage.VERIFIED, Stage.FAILED, Stage.UNKNOWN)
        reason = self.reason if over else f"it is {self.state} after {seconds:.0f} s"
        stage = self.stage if over else Stage.UNKNOWN
        return Receipt(
            id=id,
            stage=stage,
            state=self.state,
            documents=self.documents,
            of=self.of,
            seconds=round(seconds, 3),
            reason=reason,
        )


def _look(runtime: Runtime, id: int) -> _Seen:
    try:
        item = runtime.ledger.read(lambda tx: works.get(tx, id))
    except (WorkError, LedgerError) as exc:
        return _Seen(stage=Stage.UNKNOWN, reason=str(exc))
    if item.state is not State.SUCCEEDED:
        reason = one_line(item.reason) if item.state in (State.FAILED, State.RETRYING) else None
        return _Seen(stage=STAGES[item.state], state=item.state, of=len(item.ids), reason=reason)
    return _read_back(runtime, item)


def _read_back(runtime: Runtime, item: Work) -> _Seen:
    """Whether the documents of a settled work are what their records give now."""
    schema = runtime.schemas.by_uid(item.index_uid)
    seen = _Seen(stage=Stage.UNKNOWN, state=item.state, of=len(item.ids))
    if schema is None or item.rebuild_id is not None:
        reason = "its documents are those of another index" if schema is not None else "no schema here declares it"
        return replace(seen, reason=reason)
    ids = item.ids[:READ_BACK]
    try:
        differing = compare(runtime, schema, runtime.uid_of(schema), ids)
    except (EngineError, SourceError) as exc:
        return replace(seen, reason=str(exc))
    if differing:
        shown = ", ".join(list(differing)[:5])
        return replace(seen, reason=f"documents that differ from their records now: {shown}", documents=len(ids))
    return replace(seen, stage=Stage.VERIFIED, documents=len(ids))
