"""Reconciliation: what differs between database and index, why, and what to do. It reports and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..ledger import indexes, overview, works
from ..notices import DriftFound
from ..rebuild.mass_delete import cap_of
from ..rebuild.report import RebuildStatus, restoring
from ..runtime import Runtime
from ..work import IndexRow, State
from .broker import Broker
from .contract_drift import ContractDrift, contract_drift
from .display_name import display_name
from .drift import Seen, signals, with_mismatch
from .failed import SHOWN, ClassCount, classes
from .index_counts import DocumentCounts, EngineCounts, QueueCounts, document_counts, engine_counts, queue_counts
from .pause import Paused, PausedByHand, by_hand, paused
from .probe import Probe, look_for_loss
from .recommendations import TROUBLES, Action, FailedClass, Signal, Situation, recommended
from .serialization import to_datetime
from .settings_diff import HotApplied, recorded
from .status_parts import rebuild_status

DRIFTS = frozenset({Signal.COUNT_MISMATCH, Signal.CONTRACT_DRIFT, Signal.INDEX_MISSING, Signal.ENGINE_RESTORED})
"""The signals by which database and index differ, rather than wait for each other."""
UNCOUNTED = "left out: records are not counted here"


@dataclass(frozen=True, kw_only=True)
class IndexReport:
    """One schema's index: what was seen, the drift signals, and what to do.

    `rebuild` is the one that is under way, or whose old content is kept.
    """

    schema: str
    index: str
    mode: str
    signals: tuple[Signal, ...]
    engine: EngineCounts
    queue: QueueCounts
    documents: DocumentCounts
    failed_by_class: tuple[ClassCount, ...]
    actions: tuple[Action, ...]
    pause: Paused | None = None
    pause_by_hand: PausedByHand | None = None
    rebuild: RebuildStatus | None = None
    contract: ContractDrift | None = None
    hot_applied: tuple[HotApplied, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """The reports of the indexes that were asked for, and what the caller saw of the broker."""

    indexes: tuple[IndexReport, ...]
    broker: Broker | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why parts could not be read, each reason once."""
        reasons = [part.unknown for one in self.indexes for part in (one.engine, one.queue, one.documents)]
        reasons.append(self.broker.unknown if self.broker is not None else None)
        return tuple(dict.fromkeys(reason for reason in reasons if reason is not None))

    @property
    def differs(self) -> bool:
        """Whether a problem was confirmed."""
        return any(TROUBLES.intersection(one.signals) for one in self.indexes)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What one look into the ledger found of one index."""

    queue: QueueCounts
    row: IndexRow | None = None
    hot: tuple[HotApplied, ...] = ()
    groups: Sequence[overview.FailedGroup] = field(default_factory=tuple)
    rebuild: RebuildStatus | None = None
    stuck: Sequence[overview.Stuck] = ()

    @property
    def mark(self) -> tuple[int, int, int]:
        """Changes whenever a work of this index was written, claimed or failed."""
        return (self.queue.open, self.queue.failed or 0, self.row.last_number if self.row is not None else 0)


def reconcile(
    runtime: Runtime,
    schemas: Sequence[Schema],
    *,
    program: str = "scrypath-celery",
    seconds: float | None = None,
    count: bool = True,
    contract: bool = False,
) -> Report:
    """Compare database and index for these schemas; a part that does not answer is unknown.

    `program` is how the command lines of recommended actions begin. `seconds` bounds what is asked of the engine;
    `count=False` leaves out counting the database's records, which takes time where there are many; `contract`
    attaches what differs between the index and its schema.
    """
    engine, ledger, source = Probe(seconds), Probe(seconds), Probe(seconds)
    if not count:
        source.reason = UNCOUNTED
    look_for_loss(runtime, engine, ledger)

    def look(schema: Schema) -> tuple[Seen, Snapshot]:
        # One table that cannot be read, or one index that the key may not see, leaves the others known.
        return _looked(runtime, schema, engine=engine.apart(), ledger=ledger.apart(), source=source.apart())

    indexes = tuple(_report(runtime, schema, *look(schema), program, contract) for schema in schemas)
    runtime.tell([drift for schema, one in zip(schemas, indexes, strict=True) if (drift := _drift(schema, one))])
    return Report(indexes=indexes)


def _drift(schema: Schema, report: IndexReport) -> DriftFound | None:
    """What to tell of a report: the ways in which database and index differ; None where they do not."""
    kinds = tuple(signal.value for signal in report.signals if signal in DRIFTS)
    return DriftFound(index_uid=schema.uid, found_by="reconcile", kinds=kinds) if kinds else None


def _looked(runtime: Runtime, schema: Schema, *, engine: Probe, ledger: Probe, source: Probe) -> tuple[Seen, Snapshot]:
    """What there is to see of one index. The ledger is looked at twice: counts are judged only between equal looks."""
    snap = partial(_snapshot, runtime=runtime, schema=schema)
    before = ledger.ask(lambda: runtime.ledger.read(lambda tx: snap(tx)))
    counts = engine_counts(runtime, runtime.uid_of(schema), engine)
    documents = document_counts(runtime, schema, engine, source)
    after = ledger.ask(lambda: runtime.ledger.read(lambda tx: snap(tx)))
    if before is None or after is None:
        after = Snapshot(queue=QueueCounts(unknown=ledger.reason))
    unchanged_during_count = before is not None and before.mark == after.mark
    name = after.rebuild.target if after.rebuild is not None else None
    target = engine.ask(lambda: runtime.engine.index(name)) if name is not None else None
    seen = Seen(
        queue=after.queue,
        engine=counts,
        documents=with_mismatch(documents, counts, after.queue, unchanged_during_count=unchanged_during_count),
        row=after.row,
        target_exists=target is not None,
        hanging=bool(after.stuck),
        contract=engine.ask(lambda: contract_drift(runtime, schema, after.row.declared if after.row else None)),
    )
    return seen, after


def _snapshot(connection: Connection, *, runtime: Runtime, schema: Schema) -> Snapshot:
    uid = schema.uid
    return Snapshot(
        queue=queue_counts(connection, uid, works.counts(connection, uid)),
        row=indexes.get(connection, uid),
        groups=overview.groups(connection, SHOWN, index_uid=uid),
        hot=recorded(connection, schema.uid),
        rebuild=rebuild_status(connection, runtime, schema),
        stuck=overview.stuck(connection, uid),
    )


def _report(
    runtime: Runtime, schema: Schema, seen: Seen, snapshot: Snapshot, program: str, contract: bool
) -> IndexReport:
    found = signals(seen)
    name = display_name(runtime.schemas, schema)
    held = by_hand(seen.row)
    dead = {
        group.reason_class: FailedClass(count=group.count, first=group.first)
        for group in snapshot.groups
        if group.state is State.FAILED
    }
    cause = seen.row.pause if seen.row is not None else None
    situation = Situation(
        schema=name,
        signals=frozenset(found),
        failed=dead,
        pause=cause.reason_class if cause is not None else None,
        pause_scope=cause.scope if cause is not None else None,
        by_hand=f"paused by {held.by}: {held.reason}" if held is not None else None,
        hanging=tuple(stuck.work_id for stuck in snapshot.stuck if stuck.work_id is not None),
        contract=seen.contract.remedies if seen.contract is not None else (),
        drifting=seen.contract.names if seen.contract is not None else (),
        surplus=(seen.documents.index or 0) - (seen.documents.database or 0),
        cap=cap_of(runtime.options, seen.documents.index or 0),
        restoring=restoring(snapshot.rebuild, to_datetime(seen.row.lost_since if seen.row is not None else None)),
    )
    return IndexReport(
        schema=name,
        index=runtime.uid_of(schema),
        mode=runtime.options.sync_mode,
        signals=found,
        engine=seen.engine,
        queue=seen.queue,
        documents=seen.documents,
        failed_by_class=classes(snapshot.groups),
        actions=recommended(situation, program),
        pause=paused(seen.row),
        pause_by_hand=held,
        rebuild=snapshot.rebuild,
        contract=seen.contract if contract else None,
        hot_applied=snapshot.hot,
    )
