"""Failed work: dead letters, and what is being retried, with why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..declaration.schema import Schema
from ..ledger import overview, works
from ..runtime import Runtime
from ..work import Operation, ReasonClass, State, Work
from .display_name import display_name
from .serialization import one_line, to_datetime

SHOWN = (State.FAILED, State.RETRYING)
"""States of work that is listed as failed."""


class Origin(StrEnum):
    """Who rejected it: the engine, or something before it was asked to judge (projection, database, network)."""

    QUEUE = "queue"
    ENGINE = "engine"


@dataclass(frozen=True, kw_only=True)
class FailedWork:
    """One work that did not succeed. `documents` is how many of its documents are left; `attempt` counts verdicts."""

    id: int
    schema: str | None
    index: str
    source: Origin
    state: State
    operation: Operation
    retryable: bool
    reason_class: ReasonClass
    error_code: str | None
    attempt: int
    documents: int
    document_ids: tuple[str, ...]
    reason: str
    created_at: datetime | None
    failed_at: datetime | None
    next_attempt_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ClassCount:
    """How many works of one reason class are dead letters, and how many are being retried."""

    reason_class: ReasonClass
    failed: int
    retrying: int


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Failed work, oldest first, and the rollup by class; `total` counts also what `limit` left out."""

    works: tuple[FailedWork, ...]
    classes: tuple[ClassCount, ...]
    total: int


def failed(runtime: Runtime, schema: Schema | None = None, *, limit: int | None = None) -> Failed:
    """Failed and retrying work, of one schema or of all that the ledger holds.

    Raises:
        LedgerError: the ledger cannot be read.
    """
    uid = schema.uid if schema is not None else None
    rows, groups = runtime.ledger.read(
        lambda tx: (works.listed(tx, SHOWN, index_uid=uid, limit=limit), overview.groups(tx, SHOWN, index_uid=uid))
    )
    return Failed(
        works=tuple(described(runtime, item) for item in rows),
        classes=classes(groups),
        total=sum(group.count for group in groups),
    )


def described(runtime: Runtime, item: Work) -> FailedWork:
    """A work of the ledger as a row of failed work."""
    schema = runtime.schemas.by_uid(item.index_uid)
    reason_class = item.reason_class or ReasonClass.UNKNOWN
    return FailedWork(
        id=item.id,
        schema=display_name(runtime.schemas, schema) if schema is not None else None,
        index=runtime.engine_uid(item.index_uid),
        source=origin(item),
        state=item.state,
        operation=item.operation,
        retryable=schema is not None and item.state in SHOWN,
        reason_class=reason_class,
        error_code=item.error_code,
        attempt=item.attempts,
        documents=item.documents,
        document_ids=item.left,
        reason=one_line(item.reason),
        created_at=to_datetime(item.created_at),
        failed_at=to_datetime(item.finished_at),
        next_attempt_at=to_datetime(item.available_at) if item.state is State.RETRYING else None,
    )


def classes(groups: Sequence[overview.FailedGroup]) -> tuple[ClassCount, ...]:
    """The rollup, in the order of `ReasonClass`."""
    counts: dict[ReasonClass, dict[State, int]] = {}
    for group in groups:
        states = counts.setdefault(group.reason_class, {})
        states[group.state] = states.get(group.state, 0) + group.count
    return tuple(
        ClassCount(
            reason_class=reason_class,
            failed=counts[reason_class].get(State.FAILED, 0),
            retrying=counts[reason_class].get(State.RETRYING, 0),
        )
        for reason_class in ReasonClass
        if reason_class in counts
    )


def origin(item: Work) -> Origin:
    """Who rejected it: the engine, of a task of its own, or somebody on the way to it."""
    return Origin.ENGINE if item.engine_uids else Origin.QUEUE
