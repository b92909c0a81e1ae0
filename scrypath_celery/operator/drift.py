"""What the numbers of one index mean: the verdict on its counts, and the drift signals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..work import IndexRow
from .contract_drift import ContractDrift
from .index_counts import DocumentCounts, EngineCounts, QueueCounts, Verdict
from .recommendations import Signal

CUTOVER_PENDING = "cut_over"
"""The phase of a rebuild that is filled and waits for its cut-over."""


KEPT = "kept"
"""The phase of a rebuild that was cut over and whose old content is kept."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """All that was seen of one index."""

    queue: QueueCounts
    engine: EngineCounts
    documents: DocumentCounts
    row: IndexRow | None = None
    target_exists: bool = False
    hanging: bool = False
    contract: ContractDrift | None = None


def with_mismatch(
    documents: DocumentCounts, engine: EngineCounts, before: QueueCounts, *, unchanged_during_count: bool
) -> DocumentCounts:
    """The counts with a verdict; `unchanged_during_count` says that nothing moved meanwhile."""
    if documents.unknown is not None:
        return documents
    if before.unknown is not None or engine.unknown is not None:
        return replace(documents, why=before.unknown or engine.unknown)
    if before.open or engine.pending:
        return replace(documents, why="work is under way")
    if documents.database is None:
        return replace(documents, why="index_if is Python alone: the database cannot count")
    if not unchanged_during_count:
        return replace(documents, why="work went on while it was counted")
    same = documents.database == documents.index
    return replace(documents, mismatch=Verdict.NO if same else Verdict.YES)


def signals(seen: Seen) -> tuple[Signal, ...]:
    """The drift signals, in the order of `Signal`."""
    found = set(_signals(seen))
    return tuple(signal for signal in Signal if signal in found)


def _signals(seen: Seen) -> Iterator[Signal]:
    if seen.engine.pending:
        yield Signal.PENDING_ENGINE_WORK
    if seen.queue.open:
        yield Signal.PENDING_QUEUE_WORK
    if seen.queue.failed:
        yield Signal.FAILED_SYNC_WORK
    if seen.documents.mismatch is Verdict.YES:
        yield Signal.COUNT_MISMATCH
    row, contract = seen.row, seen.contract
    if contract is not None and contract.index_exists and not contract.match:
        yield Signal.CONTRACT_DRIFT
    if _missing(seen):
        yield Signal.INDEX_MISSING
    if row is not None and (row.pause is not None or row.pause_by_hand is not None):
        yield Signal.INDEX_PAUSED
    if seen.hanging:
        yield Signal.WORKS_HANG
    if row is not None and row.lost_since is not None:
        yield Signal.ENGINE_RESTORED
    if row is not None and row.rebuild:
        yield from _rebuild(row.rebuild, seen.target_exists)


def _missing(seen: Seen) -> bool:
    """Whether an index is not there that ought to be: nothing is on the way, and it was made once or has records."""
    if seen.documents.index_exists is not False or seen.queue.open or seen.queue.unknown is not None:
        return False
    made = seen.row is not None and (seen.row.high_uid is not None or seen.row.lost_since is not None)
    return made if seen.documents.database is None else seen.documents.database > 0


def _rebuild(rebuild: Mapping[str, Any], target_exists: bool) -> Iterator[Signal]:
    if rebuild.get("target") is None or rebuild.get("phase") == KEPT:
        return  # a backfill is work like any other, and an old content is over
    if target_exists:
        yield Signal.REINDEX_VISIBILITY_AVAILABLE
    yield Signal.REINDEX_CUTOVER_PENDING if rebuild.get("phase") == CUTOVER_PENDING else Signal.REINDEX_IN_PROGRESS
