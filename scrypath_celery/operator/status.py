"""Status: what is pending, running and failed, index by index, and who is there to work on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..ledger import indexes, notes, overview, publications, rebuilds, works
from ..rebuild.report import RebuildStatus, status_of
from ..runtime import Runtime
from ..work import OPEN, IndexRow, ReasonClass, State
from .broker import Broker
from .contract_drift import contract_drift
from .display_name import display_name
from .index_counts import EngineCounts, QueueCounts, engine_counts, queue_counts
from .probe import Probe, look_for_loss
from .serialization import to_datetime


@dataclass(frozen=True, kw_only=True)
class Paused:
    """Why nothing of an index is tried, since when, and when it is tried next."""

    reason_class: ReasonClass
    reason: str
    since: datetime | None
    next_probe: datetime | None


class Contract(StrEnum):
    """Whether an index is what its schema declares, as far as that could be seen."""

    MATCH = "match"
    DRIFT = "drift"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The last verification of an index: when, and how many documents differed by kind."""

    at: datetime | None
    counts: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class IndexStatus:
    """One schema's index. `index` is the engine's uid; `known_to_workers` is None where none could be asked.

    `engine_lost_since` is when the engine was found to be restored, emptied or replaced; None once it was rebuilt.
    `hanging` are documents whose projection hangs now, `contract` says whether the index is what is declared,
    `verified` what its last verification found.
    """

    schema: str
    index: str
    mode: str
    engine: EngineCounts
    queue: QueueCounts
    pause: Paused | None = None
    known_to_workers: bool | None = None
    contract: Contract = Contract.UNKNOWN
    verified: Verified | None = None
    rebuild: RebuildStatus | None = None
    engine_lost_since: datetime | None = None
    hanging: tuple[overview.Stuck, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Status:
    """All that was asked for.

    `publishing` is why works cannot be handed to Celery, None where they can. `undeclared` counts open works of
    indexes that no schema here declares, by uid. `engine_version` is None where the engine does not answer, or the
    key may not ask.
    """

    indexes: tuple[IndexStatus, ...]
    engine_version: str | None = None
    broker: Broker | None = None
    undeclared: Mapping[str, int] = field(default_factory=dict)
    publishing: str | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why parts could not be read, each reason once; empty where everything was readable."""
        reasons = [part.unknown for one in self.indexes for part in (one.engine, one.queue)]
        reasons.append(self.broker.unknown if self.broker is not None else None)
        return tuple(dict.fromkeys(reason for reason in reasons if reason is not None))


@dataclass(frozen=True, kw_only=True)
class Ledgered:
    """What one look into the ledger found: counts and the index's row by uid, and counts of undeclared indexes."""

    queue: Mapping[str, QueueCounts]
    rows: Mapping[str, IndexRow]
    undeclared: Mapping[str, int]
    rebuilds: Mapping[str, RebuildStatus] = field(default_factory=dict)
    stuck: Mapping[str, Sequence[overview.Stuck]] = field(default_factory=dict)
    publishing: publications.PublishFailure | None = None
    verified: Mapping[str, Verified | None] = field(default_factory=dict)


def status(
    runtime: Runtime, schemas: Sequence[Schema], *, broker: Broker | None = None, seconds: float | None = None
) -> Status:
    """Where these schemas' indexes stand; `broker` is what the caller saw of it.

    A part that does not answer is unknown. The engine is asked for `seconds` at most (None: as long as it answers).
    """
    looking, ledger = Probe(seconds), Probe()
    look_for_loss(runtime, looking, ledger)
    found = ledger.ask(lambda: runtime.ledger.read(lambda tx: read_ledger_status(tx, runtime, schemas)))
    statuses = []
    for schema in schemas:
        row = found.rows.get(schema.uid) if found is not None else None
        queue = found.queue[schema.uid] if found is not None else QueueCounts(unknown=ledger.reason)
        statuses.append(
            IndexStatus(
                schema=display_name(runtime.schemas, schema),
                index=runtime.uid_of(schema),
                mode=runtime.options.sync_mode,
                engine=engine_counts(runtime, runtime.uid_of(schema), looking),
                queue=queue,
                pause=paused(row),
                hanging=tuple(found.stuck[schema.uid]) if found is not None else (),
                engine_lost_since=to_datetime(row.lost_since) if row is not None else None,
                known_to_workers=broker.knows(schema.uid) if broker is not None else None,
                contract=looking.ask(partial(contract_of, runtime, schema, row)) or Contract.UNKNOWN,
                verified=found.verified.get(schema.uid) if found is not None else None,
                rebuild=found.rebuilds.get(schema.uid) if found is not None else None,
            )
        )
    # Asked apart: that a key may not ask for the version makes nothing else unknown.
    version = Probe().ask(runtime.engine.version) if looking.reason is None else None
    failure = found.publishing if found is not None else None
    return Status(
        indexes=tuple(statuses),
        engine_version=version,
        broker=broker,
        undeclared=found.undeclared if found is not None else {},
        publishing=f"{failure.reason} (last at {to_datetime(failure.at)})" if failure is not None else None,
    )


def read_ledger_status(connection: Connection, runtime: Runtime, schemas: Sequence[Schema]) -> Ledgered:
    """Counts and rows of these schemas, in one transaction."""
    counted, declared = works.counts(connection), runtime.schemas
    under_way = {schema.uid: rebuild_status(connection, runtime, schema) for schema in schemas}
    return Ledgered(
        queue={schema.uid: queue_counts(connection, schema.uid, counted) for schema in schemas},
        publishing=publications.failure(connection),
        stuck={schema.uid: overview.stuck(connection, schema.uid) for schema in schemas},
        rows={row.uid: row for row in indexes.listed(connection)},
        undeclared={
            uid: _open(states) for uid, states in counted.items() if declared.by_uid(uid) is None and _open(states)
        },
        verified={schema.uid: _verified(notes.verified(connection, schema.uid)) for schema in schemas},
        rebuilds={uid: found for uid, found in under_way.items() if found is not None},
    )


def rebuild_status(connection: Connection, runtime: Runtime, schema: Schema) -> RebuildStatus | None:
    """The rebuild of a schema that is under way, or whose old content is kept, if any."""
    row = rebuilds.active(connection, schema.uid)
    if row is None:
        return None
    name, now = display_name(runtime.schemas, schema), overview.time(connection)
    return status_of(row, schema=name, index=runtime.uid_of(schema), now=now)


def paused(row: IndexRow | None) -> Paused | None:
    """The pause in an index's row."""
    if row is None or row.pause is None:
        return None
    pause = row.pause
    return Paused(
        reason_class=pause.reason_class,
        reason=pause.reason,
        since=to_datetime(pause.since),
        next_probe=to_datetime(pause.until),
    )


def contract_of(runtime: Runtime, schema: Schema, row: IndexRow | None) -> Contract:
    """Whether an index is what its schema declares, and was made with what it declares.

    Raises:
        EngineError: the engine could not be asked.
    """
    found = contract_drift(runtime, schema, row.declared if row is not None else None)
    if not found.index_exists:
        return Contract.MISSING
    return Contract.MATCH if found.match else Contract.DRIFT


def _verified(note: Mapping[str, Any] | None) -> Verified | None:
    if note is None:
        return None
    return Verified(at=to_datetime(note["at"]), counts={name: value for name, value in note.items() if name != "at"})


def _open(states: Mapping[State, int]) -> int:
    return sum(states.get(state, 0) for state in OPEN)
