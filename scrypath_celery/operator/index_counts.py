"""Counts of one index: in the engine's list of tasks, in the ledger, and of documents on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..ledger import overview
from ..runtime import Runtime
from ..work import OPEN, State
from .probe import Probe
from .serialization import to_datetime

UNFINISHED = ("enqueued", "processing")
"""Statuses of engine tasks that are not over."""


@dataclass(frozen=True, kw_only=True)
class EngineCounts:
    """Tasks of one index in the engine's list; all None where `unknown` says why they could not be read."""

    pending: int | None = None
    failed: int | None = None
    last_succeeded: datetime | None = None
    unknown: str | None = None


@dataclass(frozen=True, kw_only=True)
class QueueCounts:
    """Works of one index in the ledger. `oldest_due_age` is for how long (seconds) one has been due."""

    pending: int | None = None
    running: int | None = None
    submitted: int | None = None
    retrying: int | None = None
    failed: int | None = None
    last_succeeded: datetime | None = None
    oldest_due_age: float | None = None
    unknown: str | None = None

    @property
    def open(self) -> int:
        """Works that are not settled."""
        return sum(getattr(self, state.value) or 0 for state in OPEN)


class Verdict(StrEnum):
    """Whether database and index hold different numbers of documents."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class DocumentCounts:
    """Documents that the database wants indexed and that the index holds (None: unknown, or no index).

    `mismatch` is a verdict; `why` says why it is unknown, `unknown` which part could not be read.
    """

    database: int | None = None
    index: int | None = None
    index_exists: bool | None = None
    mismatch: Verdict = Verdict.UNKNOWN
    why: str | None = None
    unknown: str | None = None


def engine_counts(runtime: Runtime, index: str, looking: Probe) -> EngineCounts:
    """What the engine's list of tasks says of one index (the engine's uid)."""
    engine = runtime.engine
    pending = looking.ask(lambda: engine.count_tasks(index=index, statuses=UNFINISHED))
    failed = looking.ask(lambda: engine.count_tasks(index=index, statuses=("failed",)))
    newest = looking.ask(lambda: engine.newest_task(index=index, statuses=("succeeded",)))
    if looking.reason is not None:
        return EngineCounts(unknown=looking.reason)
    finished = newest.finished_at if newest is not None else None
    date = datetime.fromisoformat(finished) if finished else None
    return EngineCounts(pending=pending, failed=failed, last_succeeded=date)


def queue_counts(connection: Connection, uid: str, counted: Mapping[str, Mapping[State, int]]) -> QueueCounts:
    """What the ledger says of one index (the unprefixed uid); `counted` is `works.counts`."""
    found = counted.get(uid, {})
    return QueueCounts(
        pending=found.get(State.PENDING, 0),
        running=found.get(State.RUNNING, 0),
        submitted=found.get(State.SUBMITTED, 0),
        retrying=found.get(State.RETRYING, 0),
        failed=found.get(State.FAILED, 0),
        last_succeeded=to_datetime(overview.last_succeeded(connection, uid)),
        oldest_due_age=overview.oldest_due(connection, uid),
    )


def document_counts(runtime: Runtime, schema: Schema, engine: Probe, source: Probe) -> DocumentCounts:
    """How many documents there are on both sides, without a verdict yet."""
    stats = engine.ask(lambda: runtime.engine.stats(runtime.uid_of(schema)))
    database = source.ask_beside(lambda: runtime.source.count(schema))
    unknown = "; ".join(reason for reason in (engine.reason, source.reason) if reason is not None) or None
    if engine.reason is not None:
        return DocumentCounts(database=database, unknown=unknown, why=unknown)
    held = 0 if stats is None else int(stats["numberOfDocuments"])
    return DocumentCounts(database=database, index=held, index_exists=stats is not None, unknown=unknown, why=unknown)
