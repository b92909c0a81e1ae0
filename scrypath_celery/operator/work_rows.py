"""Works as operators see them in lists: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..ledger.transitions import ALLOWED
from ..runtime import Runtime
from ..work import ENDED, Mode, Operation, ReasonClass, State, Work
from .display_name import display_name
from .serialization import one_line, to_datetime

HELD = (State.RUNNING, State.SUBMITTED)
"""States of works that a worker has, or has given to the engine."""


class Origin(StrEnum):
    """Who rejected it: the engine, or something before it was asked to judge (projection, database, network)."""

    QUEUE = "queue"
    ENGINE = "engine"


@dataclass(frozen=True, kw_only=True)
class WorkRow:
    """One work in a list.

    `time` is when it last ended, or was written where it never did; rows are in this order. `documents` is how many of
    its documents are left; `attempt` counts verdicts, of `max_attempts`. `source`, `reason_class` and `reason` are
    None where nothing went wrong. `age` (seconds since it was claimed), `worker` and `task_id` are those of a work
    that is held now.
    """

    id: int
    time: datetime | None
    schema: str | None
    index: str
    state: State
    operation: Operation
    mode: Mode
    source: Origin | None
    retryable: bool
    reason_class: ReasonClass | None
    error_code: str | None
    attempt: int
    max_attempts: int
    documents: int
    document_ids: tuple[str, ...]
    reason: str
    created_at: datetime | None
    failed_at: datetime | None
    last_attempt_at: datetime | None
    next_attempt_at: datetime | None
    age: float | None = None
    worker: str | None = None
    task_id: str | None = None


def described(runtime: Runtime, item: Work, *, now: float) -> WorkRow:
    """A work of the ledger as a row; `now` is the ledger's time."""
    schema = runtime.schemas.by_uid(item.index_uid)
    wrong = item.state in (State.FAILED, State.RETRYING) or item.reason_class is not None
    held = item.state in HELD
    return WorkRow(
        id=item.id,
        time=to_datetime(item.finished_at if item.state in ENDED else item.created_at),
        schema=display_name(runtime.schemas, schema) if schema is not None else None,
        index=runtime.engine_uid(item.index_uid),
        state=item.state,
        operation=item.operation,
        mode=item.mode,
        source=origin(item) if wrong else None,
        retryable=schema is not None and item.state in ALLOWED[State.PENDING],
        reason_class=(item.reason_class or ReasonClass.UNKNOWN) if wrong else None,
        error_code=item.error_code,
        attempt=item.attempts,
        max_attempts=runtime.options.max_attempts,
        documents=item.documents,
        document_ids=item.left,
        reason=one_line(item.reason),
        created_at=to_datetime(item.created_at),
        failed_at=to_datetime(item.finished_at) if item.state is State.FAILED else None,
        last_attempt_at=to_datetime(item.started_at),
        next_attempt_at=to_datetime(item.available_at) if item.state is State.RETRYING else None,
        age=max(now - item.started_at, 0.0) if held and item.started_at is not None else None,
        worker=item.worker if held else None,
        task_id=item.task_id if held else None,
    )


def origin(item: Work) -> Origin:
    """Who rejected it: the engine, of a task of its own, or somebody on the way to it."""
    return Origin.ENGINE if item.engine_uids else Origin.QUEUE
