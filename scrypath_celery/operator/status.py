"""Status: what is pending, running and failed, index by index, and who is there to work on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

from ..convergence.destinations import Elsewhere, elsewhere
from ..convergence.proof import check
from ..declaration.changes import Remedy
from ..declaration.schema import Schema
from ..errors import EngineError, LedgerError
from ..ledger.overview import Stuck
from ..ledger.triggers.trigger import TableStatus
from ..rebuild.report import RebuildStatus
from ..runtime import Runtime
from .broker import Broker
from .contract_drift import ContractDrift, with_declaration
from .display_name import display_name
from .engine_health import EngineHealth
from .index_counts import EngineCounts, QueueCounts
from .pause import Paused, PausedByHand, by_hand, paused
from .probe import Look
from .serialization import to_datetime
from .status_parts import (
    Scheduled,
    SeenInEngine,
    SeenInLedger,
    Verified,
    look_at_engine,
    look_at_ledger,
    nothing_of_engine,
)

SHARE = 0.6
"""The share of the time for a whole look after which the engine is asked nothing more."""
NAME = 80
"""The most characters of a node name that the ledger keeps."""


class Contract(StrEnum):
    """Whether an index is what its schema declares, as far as that could be seen."""

    MATCH = "match"
    DRIFT = "drift"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class IndexStatus:
    """One schema's index. `index` is the engine's uid; `known_to_workers` is None where none could be asked.

    `made` says whether the index was ever sent anything. `engine_lost_since` is when the engine was found to be
    restored, emptied or replaced; None once it was rebuilt.
    `hanging` are documents whose projection hangs now, `contract` says whether the index is what is declared (with the
    names that differ, and what fixes them), `verified` what its last verification found. `triggers` says how those of
    each table stand, where the schema has any; `scheduled` are works for later.
    """

    schema: str
    index: str
    mode: str
    engine: EngineCounts
    queue: QueueCounts
    pause: Paused | None = None
    pause_by_hand: PausedByHand | None = None
    known_to_workers: bool | None = None
    made: bool = False
    contract: Contract = Contract.UNKNOWN
    drifting: tuple[str, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    verified: Verified | None = None
    rebuild: RebuildStatus | None = None
    engine_lost_since: datetime | None = None
    hanging: tuple[Stuck, ...] = ()
    triggers: tuple[TableStatus, ...] = ()
    scheduled: Scheduled | None = None


@dataclass(frozen=True, kw_only=True)
class KnownWorker:
    """A worker that the ledger knows of: how long ago (seconds) it was seen there, and how many claims it holds.

    `answers` is false for one that was asked and is silent, None where none could be asked.
    """

    name: str
    seen_ago: float | None
    claims: int
    answers: bool | None


@dataclass(frozen=True, kw_only=True)
class Status:
    """All that was asked for.

    `publishing` is why works cannot be handed to Celery, None where they can. `undeclared` counts open works of
    indexes that no schema here declares, by uid. `workers` are those that the ledger knows of, by name; `broker` has
    those that answered. `elsewhere` are processes that send the same indexes to another engine or prefix.
    """

    indexes: tuple[IndexStatus, ...]
    engine: EngineHealth = field(default_factory=EngineHealth)
    broker: Broker | None = None
    workers: tuple[KnownWorker, ...] = ()
    undeclared: Mapping[str, int] = field(default_factory=dict)
    publishing: str | None = None
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why parts could not be read, each reason once; empty where everything was readable."""
        reasons = [part.unknown for one in self.indexes for part in (one.engine, one.queue)]
        reasons += [self.engine.unknown, self.broker.unknown if self.broker is not None else None]
        return tuple(dict.fromkeys(reason for reason in reasons if reason is not None))


def status(
    runtime: Runtime,
    schemas: Sequence[Schema],
    *,
    broker: Callable[[], Broker] | None = None,
    seconds: float | None = None,
) -> Status:
    """Where these schemas' indexes stand; `broker` looks at the broker and the workers.

    A part that does not answer is unknown. With `seconds` ledger, engine and broker are asked beside each other, for
    so long in all (None: in turn, as long as they answer).
    """
    if seconds is None or runtime.ledger.is_bound:
        seen = (*look_at_ledger(runtime, schemas), look_at_engine(runtime, schemas, None), broker() if broker else None)
    else:
        seen = _beside(runtime, schemas, broker, seconds)
    found, unread, engine, asked = seen
    if found is not None and engine.health.unknown is None and _is_lost(runtime, seconds):
        found, unread = look_at_ledger(runtime, schemas)
    answering = None if asked is None or asked.workers is None else {one.name[:NAME] for one in asked.workers}
    known = found.workers if found is not None else ()
    failure = found.publishing if found is not None else None
    return Status(
        indexes=tuple(_of_index(runtime, schema, found, unread, engine, asked) for schema in schemas),
        engine=engine.health,
        broker=asked,
        workers=tuple(
            KnownWorker(
                name=one.name,
                seen_ago=one.ago,
                claims=one.claims,
                answers=None if answering is None else one.name in answering,
            )
            for one in known
        ),
        undeclared=found.undeclared if found is not None else {},
        publishing=f"{failure.reason} (last at {to_datetime(failure.at)})" if failure is not None else None,
        elsewhere=seen_elsewhere(runtime, seconds, ask=engine.health.unknown is None) if found is not None else (),
    )


def seen_elsewhere(runtime: Runtime, seconds: float | None = None, *, ask: bool = True) -> tuple[Elsewhere, ...]:
    """Where others send the same indexes, for `seconds` at most; none where that cannot be seen."""
    look = partial(elsewhere, runtime, ask=ask)
    try:
        return look() if seconds is None or runtime.ledger.is_bound else Look(look).answer(seconds)
    except (LedgerError, TimeoutError):
        return ()


def _beside(
    runtime: Runtime, schemas: Sequence[Schema], broker: Callable[[], Broker] | None, seconds: float
) -> tuple[SeenInLedger | None, str | None, SeenInEngine, Broker | None]:
    end = time.monotonic() + seconds
    at_ledger = Look(lambda: look_at_ledger(runtime, schemas))
    at_engine = Look(lambda: look_at_engine(runtime, schemas, seconds * SHARE))
    at_broker = Look(broker) if broker is not None else None
    late = f"did not answer within {seconds:.1f} s"
    try:
        found, unread = at_ledger.answer(end - time.monotonic())
    except TimeoutError:
        found, unread = None, f"the ledger's database {late}"
    try:
        engine = at_engine.answer(end - time.monotonic())
    except TimeoutError:
        engine = nothing_of_engine(runtime, schemas, f"Meilisearch at {runtime.engine.url} {late}")
    try:
        asked = at_broker.answer(end - time.monotonic()) if at_broker is not None else None
    except TimeoutError:
        asked = Broker(url="", queue=runtime.options.queue, unknown=f"the broker {late}")
    if broker is not None and found is not None and asked is not None:
        asked = _asked_again(found, asked, broker, end)
    return found, unread, engine, asked


def _asked_again(found: SeenInLedger, asked: Broker, broker: Callable[[], Broker], end: float) -> Broker:
    """Ask once more where a known worker did not answer: one that is only slow is not silent."""
    if asked.workers is None or {one.name for one in found.workers} <= {one.name[:NAME] for one in asked.workers}:
        return asked
    try:
        again = Look(broker).answer(end - time.monotonic())
    except TimeoutError:
        return asked
    answered = {one.name: one for one in (*asked.workers, *(again.workers or ()))}
    return replace(asked, workers=tuple(answered[name] for name in sorted(answered)))


def _is_lost(runtime: Runtime, seconds: float | None) -> bool:
    """Note that the engine was restored, emptied or replaced, where nobody did yet; whether that was noted now."""
    try:
        return bool(check(runtime) if seconds is None else Look(lambda: check(runtime)).answer(seconds))
    except (EngineError, LedgerError, TimeoutError):
        return False


def _of_index(
    runtime: Runtime,
    schema: Schema,
    found: SeenInLedger | None,
    unread: str | None,
    engine: SeenInEngine,
    broker: Broker | None,
) -> IndexStatus:
    row = found.rows.get(schema.uid) if found is not None else None
    drift = engine.contracts.get(schema.uid)
    if drift is not None and row is not None:
        drift = with_declaration(drift, schema, row.declared)
    return IndexStatus(
        schema=display_name(runtime.schemas, schema),
        index=runtime.uid_of(schema),
        mode=runtime.options.sync_mode,
        engine=engine.counts[schema.uid],
        queue=found.queue[schema.uid] if found is not None else QueueCounts(unknown=unread),
        pause=paused(row),
        pause_by_hand=by_hand(row),
        made=row is not None and (row.high_uid is not None or row.lost_since is not None),
        hanging=tuple(found.stuck[schema.uid]) if found is not None else (),
        engine_lost_since=to_datetime(row.lost_since) if row is not None else None,
        known_to_workers=broker.knows(schema.uid) if broker is not None else None,
        contract=_contract(drift),
        drifting=drift.names if drift is not None else (),
        remedies=drift.remedies if drift is not None and drift.index_exists else (),
        verified=found.verified.get(schema.uid) if found is not None else None,
        rebuild=found.rebuilds.get(schema.uid) if found is not None else None,
        triggers=found.triggers.get(schema.uid, ()) if found is not None else (),
        scheduled=found.scheduled.get(schema.uid) if found is not None else None,
    )


def _contract(found: ContractDrift | None) -> Contract:
    """Whether an index is what its schema declares, and was made with what it declares."""
    if found is None:
        return Contract.UNKNOWN
    if not found.index_exists:
        return Contract.MISSING
    return Contract.MATCH if found.match else Contract.DRIFT
