"""What is said of a rebuild: to callers, commands and operators alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ..ledger.rebuilds import Rebuild
from ..runtime import Runtime
from ..work import Operation
from .phases import Phase


@dataclass(frozen=True, kw_only=True)
class BackfillReport:
    """What a backfill did or does: documents re-synced, orphans among them (documents without a record), failed works.

    With `part` it was asked for some records alone: orphans were left as they are. `kept_orphans` were left, since
    they were more than the cap. `over` is false while workers go
    on with it.
    """

    id: int
    index: str
    documents: int
    orphans: int
    failed: int
    part: bool
    over: bool
    kept_orphans: int = 0


@dataclass(frozen=True, kw_only=True)
class ReindexReport:
    """How far a reindex came. `target` holds the new content until the cut-over, the old content after it.

    `blocked_by` are the codes of what stood against the swap, with their texts; `started_anew` says why an earlier
    rebuild was given up for this one.
    """

    id: int
    index: str
    target: str
    phase: Phase
    cut_over: bool
    filled: int
    caught_up: int
    requeued: int
    failed: int
    blocked_by: Mapping[str, str]
    started_anew: str | None = None
    kept_until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class RebuildStatus:
    """One rebuild as operators see it. `rate` is documents a second since its start, `eta` seconds to go.

    `ranges` of the key are filled side by side, `ranges_over` of them are done. `owner` drives it now. `part` says that
    only some records are brought in.
    """

    id: int
    schema: str
    index: str
    operation: Operation
    phase: Phase
    mode: str
    target: str | None
    filled: int
    total: int | None
    caught_up: int
    requeued: int
    ranges: int
    ranges_over: int
    rate: float | None
    eta: float | None
    owner: str | None
    asked_by: str | None
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None
    kept_until: datetime | None
    blocked_by: Mapping[str, str]
    reason: str | None
    part: bool = False


def restoring(rebuild: RebuildStatus | None, lost_since: datetime | None) -> str | None:
    """What is under way (`backfill`, `reindex`) and brings back what the engine lost by then; None where nothing is."""
    if rebuild is None or lost_since is None or rebuild.phase is Phase.KEPT:
        return None
    if rebuild.part or rebuild.created_at < lost_since:
        return None
    return "backfill" if rebuild.target is None else "reindex"


def status_of(row: Rebuild, *, schema: str, index: str, now: float) -> RebuildStatus:
    """What operators see of a rebuild; `now` is the ledger's time."""
    filled, total = int(row.counts.get("filled", 0)), row.counts.get("total")
    seconds = (row.finished_at or now) - row.created_at
    filling = row.phase in (Phase.CREATE, Phase.FILL)
    rate = filled / seconds if filled and seconds > 0 else None
    eta = (total - filled) / rate if filling and rate and total is not None and total >= filled else None
    over = sum(one["over"] and not one["open"] for one in row.ranges)
    return RebuildStatus(
        id=row.id,
        schema=schema,
        index=index,
        operation=row.operation,
        phase=Phase(row.phase),
        mode=row.mode,
        target=row.target,
        filled=filled,
        total=total,
        caught_up=int(row.counts.get("caught_up", 0)),
        requeued=int(row.counts.get("requeued", 0)),
        ranges=len(row.ranges),
        ranges_over=over,
        rate=rate,
        eta=eta,
        owner=row.owner if row.lease_until > now else None,
        asked_by=row.asked_by,
        created_at=_date(row.created_at),
        updated_at=_date(row.updated_at),
        finished_at=None if row.finished_at is None else _date(row.finished_at),
        kept_until=None if row.keep_until is None else _date(row.keep_until),
        blocked_by=blocked(row),
        reason=row.reason,
        part=bool(row.options.get("part")),
    )


def blocked(row: Rebuild) -> dict[str, str]:
    """The reasons against the swap, by code."""
    return {one["code"]: one["text"] for one in row.blocked}


def reindex_report(runtime: Runtime, row: Rebuild, failed: int, anew: str | None) -> ReindexReport:
    """The report of a reindex at this moment."""
    counts, phase = row.counts, Phase(row.phase)
    return ReindexReport(
        id=row.id,
        index=runtime.engine_uid(row.index_uid),
        target=row.target or "",
        phase=phase,
        cut_over=phase in (Phase.AFTER_SWAP, Phase.KEPT, Phase.DONE),
        filled=counts.get("filled", 0),
        caught_up=counts.get("caught_up", 0),
        requeued=counts.get("requeued", 0),
        failed=failed,
        blocked_by=blocked(row),
        started_anew=anew,
        kept_until=None if row.keep_until is None else _date(row.keep_until),
    )


def _date(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
