"""The vocabulary of the ledger: states, operations, reason classes, and the frozen records that carry them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


class State(StrEnum):
    """Where a work stands; see the state diagram in the docs."""

    PENDING = "pending"
    RUNNING = "running"
    SUBMITTED = "submitted"
    RETRYING = "retrying"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


READY = (State.PENDING, State.RETRYING)
"""States of work that may be claimed."""

OPEN = (State.PENDING, State.RUNNING, State.SUBMITTED, State.RETRYING)
"""States of work that is not settled: while any is there, index and database may differ."""

ENDED = (State.RETRYING, State.SUCCEEDED, State.FAILED, State.CANCELLED)
"""States of work that ended at least once: its time is when it last did. That of any other is when it was written."""


class Operation(StrEnum):
    """Why a work was written. Upsert and delete run alike: the database decides.

    A fan-out stands for the documents that are related to some records; it ends when works for them are written.
    """

    UPSERT = "upsert"
    DELETE = "delete"
    BACKFILL = "backfill"
    REINDEX = "reindex"
    FAN_OUT = "fan_out"


class Cause(StrEnum):
    """What works were written for, as Celery's monitors show it: a change, a repair, or a rebuild."""

    SYNC = "sync"
    REPAIR = "repair"
    BACKFILL = "backfill"
    REINDEX = "reindex"


BULK_CAUSES = (Cause.BACKFILL, Cause.REINDEX)
"""Those of many documents, for which nobody waits: they may have a queue of their own."""


def cause_of(operation: Operation) -> Cause:
    """What a work of this operation was written for, as far as the operation says it."""
    return Cause(operation.value) if operation in BULK else Cause.SYNC


BULK = (Operation.BACKFILL, Operation.REINDEX)
"""Operations of backfills and rebuilds: many documents, for which nobody waits."""


PRIORITY = {
    Operation.FAN_OUT: -1,
    Operation.UPSERT: 0,
    Operation.DELETE: 0,
    Operation.BACKFILL: 1,
    Operation.REINDEX: 2,
}
"""What is claimed first, whatever the ids: changes of single records, then repairs, then what fills a new index.

Fan-outs have one of their own: they hold ids of other records than those of the index, and no claim takes them.
"""


class Mode(StrEnum):
    """When a call that writes returns (see the docs on sync modes)."""

    INLINE = "inline"
    CELERY = "celery"
    MANUAL = "manual"
    OFF = "off"


class ReasonClass(StrEnum):
    """Why a work is retried or failed."""

    VALIDATION = "validation"
    TRANSPORT = "transport"
    BACKEND_REJECTED = "backend_rejected"
    AUTH = "auth"
    SOURCE = "source"
    QUEUE_EXHAUSTED = "queue_exhausted"
    UNKNOWN = "unknown"

    @classmethod
    def read(cls, text: str | None) -> ReasonClass:
        """The class of this name in the ledger; `unknown` for none, or for one of a newer release."""
        return next((member for member in cls if member.value == text), cls.UNKNOWN)


class Scope(StrEnum):
    """What a failure concerns; with whether it is permanent it decides what follows (`convergence.decisions`)."""

    DOCUMENT = "document"
    PAYLOAD = "payload"
    INDEX = "index"
    ENGINE = "engine"
    DATABASE = "database"


class ClaimState(StrEnum):
    """What a claim is: held by a process, waiting for the engine, let go while a request may still land, or over."""

    HELD = "held"
    SUBMITTED = "submitted"
    UNRESOLVED = "unresolved"
    DONE = "done"


MAX_IDS = 1_000
"""The most document ids in one work; a larger call becomes several works, so that retry and blame stay small."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A fault: why something did not get into the index.

    `scope` is what it concerns. `permanent` says that no retry can fix it, `by_engine` that the engine said so;
    `retry_after` (seconds) is a wait that it asked for.
    """

    reason_class: ReasonClass
    reason: str
    code: str | None = None
    scope: Scope = Scope.DOCUMENT
    permanent: bool = False
    by_engine: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Work:
    """One row of the ledger. Times are seconds since the epoch on the ledger database's clock.

    `ids` are those that it was written with and never change; `remaining` are those of them that are left after a
    partial failure, None where all are. `documents` counts what is left. `trial` is the group of documents that
    it is tried with, where one of them failed a payload. `finished_at` is when it last ended: succeeded, failed, was
    cancelled, or was put off until another try. The `ids` of a fan-out are those of the owners of `fan_out`, and
    `cursor` says how far their related documents were read. `traceparent` names the span in which it was written (W3C
    Trace Context).
    """

    id: int
    index_uid: str
    operation: Operation
    ids: tuple[str, ...]
    documents: int
    mode: Mode
    state: State
    attempts: int
    claims: int
    created_at: float
    publish_after: float
    available_at: float
    reason_class: ReasonClass | None = None
    reason: str | None = None
    error_code: str | None = None
    task_id: str | None = None
    claim_token: str | None = None
    claim_number: int | None = None
    worker: str | None = None
    engine_uids: tuple[int, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    started_at: float | None = None
    finished_at: float | None = None
    trial: str | None = None
    remaining: tuple[str, ...] | None = None
    priority: int = 0
    rebuild_id: int | None = None
    fan_out: str | None = None
    cursor: tuple[Any, ...] | None = None
    traceparent: str | None = None

    @property
    def left(self) -> tuple[str, ...]:
        """The document ids that a run of it still has to settle."""
        return self.ids if self.remaining is None else self.remaining

    @property
    def trace_id(self) -> str | None:
        """The id of the trace that it was written in, as trace viewers show it."""
        parts = (self.traceparent or "").split("-")
        return parts[1] if len(parts) == 4 else None


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A task that was seen to bear a token of ours: its uid and the token (None where an older release noted it)."""

    index_uid: str
    uid: int
    token: str | None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """The lease by which one process holds a batch of works of one index.

    `fingerprint` is that of the declaration which the index was made with, and `mark` the task by which the engine is
    known, both as the claim found them in the ledger; `engine_uid` is the engine's index that this ledger has used;
    `target` is the index that a rebuild fills with these works, None where they are of the live index. `at` is when it
    was taken, in seconds since the epoch on the ledger's clock.
    """

    token: str
    number: int
    index_uid: str
    works: tuple[Work, ...]
    fingerprint: str | None = None
    engine_uid: str | None = None
    target: str | None = None
    mark: Mark | None = None
    at: float = 0.0

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The document ids that its works still have to settle, each once, in the order of the works."""
        return tuple(dict.fromkeys(id for work in self.works for id in work.left))

    @property
    def trials(self) -> tuple[tuple[str, ...], ...]:
        """The documents of each group that is tried alone; empty where the works are not on trial."""
        groups: dict[str, dict[str, None]] = {}
        for work in self.works:
            if work.trial is not None:
                groups.setdefault(work.trial, {}).update(dict.fromkeys(work.left))
        return tuple(tuple(ids) for ids in groups.values())


@dataclass(frozen=True, kw_only=True)
class Pause:
    """An index whose engine, database or key does not work at all: nothing of it is tried before `until`."""

    reason_class: ReasonClass
    reason: str
    since: float
    until: float
    count: int
    scope: Scope | None = None


@dataclass(frozen=True, kw_only=True)
class PauseByHand:
    """An index that an operator paused: nothing of it is tried until an operator resumes it."""

    since: float
    by: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class IndexRow:
    """The ledger's row of one index (the unprefixed uid). `pause` ends by itself, `pause_by_hand` by an operator.

    `declared` is what the index was made with, as far as that is known, and `fingerprint` stands for it.
    `lost_since` is when the engine was found to have lost what was settled, None where it was not, or was rebuilt.
    """

    uid: str
    last_number: int
    pause: Pause | None = None
    pause_by_hand: PauseByHand | None = None
    exclusive_until: float | None = None
    rebuild: Mapping[str, Any] | None = None
    fingerprint: str | None = None
    declared: Mapping[str, Any] | None = None
    high_uid: int | None = None
    lost_since: float | None = None


@dataclass(frozen=True, kw_only=True)
class EngineTask:
    """One task of the engine as its list shows it. `metadata` is the `customMetadata` that the request bore."""

    uid: int
    status: str
    type: str
    index_uid: str | None = None
    batch_uid: int | None = None
    error: Mapping[str, Any] | None = None
    metadata: str | None = None
    finished_at: str | None = None
    enqueued_at: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def terminal(self) -> bool:
        """Whether the engine is done with it."""
        return self.status in ("succeeded", "failed", "canceled")
