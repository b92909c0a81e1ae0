"""What the ledger and the engine say for a status, each asked by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from ..declaration.generation import generation_of
from ..declaration.schema import Schema
from ..ledger import indexes, notes, overview, publications, rebuilds, scheduled, workers, works
from ..ledger.triggers.trigger import TableStatus
from ..rebuild.report import RebuildStatus, status_of
from ..runtime import Runtime
from ..work import OPEN, IndexRow, State
from .contract_drift import ContractDrift, contract_drift
from .display_name import display_name
from .engine_health import EngineHealth, engine_health
from .index_counts import EngineCounts, QueueCounts, engine_counts, queue_counts
from .probe import Probe
from .serialization import to_datetime
from .trigger_status import triggers_of


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The last verification of an index: when, and how many documents differed by kind."""

    at: datetime | None
    counts: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Scheduled:
    """Works for later: how many there are, and when the next of them is due."""

    count: int
    next_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SeenInLedger:
    """What one look into the ledger found: counts and the index's row by uid, and counts of undeclared indexes."""

    queue: Mapping[str, QueueCounts]
    rows: Mapping[str, IndexRow]
    undeclared: Mapping[str, int]
    rebuilds: Mapping[str, RebuildStatus] = field(default_factory=dict)
    stuck: Mapping[str, Sequence[overview.Stuck]] = field(default_factory=dict)
    publishing: publications.PublishFailure | None = None
    verified: Mapping[str, Verified | None] = field(default_factory=dict)
    workers: Sequence[workers.Seen] = ()
    triggers: Mapping[str, tuple[TableStatus, ...]] = field(default_factory=dict)
    scheduled: Mapping[str, Scheduled] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SeenInEngine:
    """What was seen of the engine: as a whole, and by uid the counts of tasks and what is not as declared."""

    health: EngineHealth
    counts: Mapping[str, EngineCounts]
    contracts: Mapping[str, ContractDrift | None]


def look_at_ledger(runtime: Runtime, schemas: Sequence[Schema]) -> tuple[SeenInLedger | None, str | None]:
    """What the ledger says, or why it does not."""
    probe = Probe()
    found = probe.ask(lambda: runtime.ledger.read(lambda tx: read_ledger_status(tx, runtime, schemas)))
    return found, probe.reason


def look_at_engine(runtime: Runtime, schemas: Sequence[Schema], seconds: float | None) -> SeenInEngine:
    """What the engine says, for `seconds` at most; what concerns one index alone leaves the others known."""
    looking = Probe(seconds)
    health = engine_health(runtime, looking)
    counts, contracts = {}, {}
    for schema in schemas:
        counts[schema.uid] = engine_counts(runtime, runtime.uid_of(schema), looking.apart())
        contracts[schema.uid] = looking.apart().ask(partial(contract_drift, runtime, schema))
    return SeenInEngine(health=health, counts=counts, contracts=contracts)


def nothing_of_engine(runtime: Runtime, schemas: Sequence[Schema], why: str) -> SeenInEngine:
    """An engine that did not answer."""
    counts = {schema.uid: EngineCounts(unknown=why) for schema in schemas}
    return SeenInEngine(health=EngineHealth(unknown=why), counts=counts, contracts={})


def read_ledger_status(connection: Connection, runtime: Runtime, schemas: Sequence[Schema]) -> SeenInLedger:
    """Counts and rows of these schemas, in one transaction."""
    counted, declared = works.counts(connection), runtime.schemas
    generation = runtime.options.generation
    under_way = {schema.uid: rebuild_status(connection, runtime, schema) for schema in schemas}
    return SeenInLedger(
        workers=workers.known(connection),
        queue={schema.uid: queue_counts(connection, schema.uid, counted) for schema in schemas},
        publishing=publications.failure(connection),
        stuck={schema.uid: overview.stuck(connection, schema.uid) for schema in schemas},
        rows={row.uid: row for row in indexes.listed(connection)},
        undeclared={
            uid: _open(states)
            for uid, states in counted.items()
            if generation_of(uid) == generation and declared.by_uid(uid) is None and _open(states)
        },
        verified={schema.uid: _verified(notes.verified(connection, schema.uid)) for schema in schemas},
        rebuilds={uid: found for uid, found in under_way.items() if found is not None},
        triggers={schema.uid: triggers_of(runtime, schema, connection) for schema in schemas},
        scheduled={schema.uid: _scheduled(connection, schema) for schema in schemas},
    )


def rebuild_status(connection: Connection, runtime: Runtime, schema: Schema) -> RebuildStatus | None:
    """The rebuild of a schema that is under way, or whose old content is kept, if any."""
    row = rebuilds.active(connection, schema.uid)
    if row is None:
        return None
    name, now = display_name(runtime.schemas, schema), overview.time(connection)
    return status_of(row, schema=name, index=runtime.uid_of(schema), now=now)


def _scheduled(connection: Connection, schema: Schema) -> Scheduled:
    count, next_at = scheduled.waiting(connection, schema.uid)
    return Scheduled(count=count, next_at=to_datetime(next_at))


def _verified(note: Mapping[str, Any] | None) -> Verified | None:
    if note is None:
        return None
    return Verified(at=to_datetime(note["at"]), counts={name: value for name, value in note.items() if name != "at"})


def _open(states: Mapping[State, int]) -> int:
    return sum(states.get(state, 0) for state in OPEN)
