"""One look into the ledger, in one transaction of a few bounded statements a schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ..ledger import gauges, indexes, notes, overview, rebuilds, totals
from ..ledger.limits import limited
from ..operator.display_name import display_name
from ..rebuild.phases import Phase
from ..rebuild.report import RebuildStatus, status_of
from ..runtime import Runtime
from ..work import IndexRow


@dataclass(frozen=True, kw_only=True)
class IndexLook:
    """What the ledger says of one index; times are seconds (since the epoch, where it is a date)."""

    row: IndexRow | None
    counts: gauges.WorkCounts
    oldest_due: float | None
    last_succeeded: float | None
    verified: Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class LedgerLook:
    """What the ledger says: indexes and claims by uid, rebuilds that are under way, and all totals."""

    at: float
    indexes: Mapping[str, IndexLook]
    claims: Mapping[str, gauges.ClaimCounts]
    relay: gauges.RelayState | None
    rebuilds: Sequence[RebuildStatus]
    totals: totals.IndexTotals


def look_at_ledger(runtime: Runtime, *, seconds: float, limit: int) -> LedgerLook:
    """Look, so that no statement takes longer than `seconds`; works are counted up to `limit`.

    Raises:
        LedgerError: the ledger cannot be used.
    """

    def look(connection: Connection) -> LedgerLook:
        with limited(connection, seconds):
            return _look(connection, runtime, limit)

    return runtime.ledger.read(look)


def _look(connection: Connection, runtime: Runtime, limit: int) -> LedgerLook:
    rows = {row.uid: row for row in indexes.listed(connection)}
    uids = sorted({*rows, *(schema.uid for schema in runtime.schemas)})
    at = overview.time(connection)
    return LedgerLook(
        at=at,
        indexes={
            uid: IndexLook(
                row=rows.get(uid),
                counts=gauges.work_counts(connection, uid, limit=limit),
                oldest_due=overview.oldest_due(connection, uid),
                last_succeeded=overview.last_succeeded(connection, uid),
                verified=notes.verified(connection, uid),
            )
            for uid in uids
        },
        claims=gauges.claim_counts(connection),
        relay=gauges.relay_state(connection),
        rebuilds=[
            status_of(row, schema=name_of(runtime, row.index_uid), index=runtime.engine_uid(row.index_uid), now=at)
            for row in rebuilds.unfinished(connection)
            if row.phase != Phase.KEPT
        ],
        totals=totals.listed(connection),
    )


def name_of(runtime: Runtime, uid: str) -> str:
    """How an index is called in the label `schema`: as its schema, or by its uid where it is not declared here.

    An index that was given up may have the name of a schema whose index is another one now.
    """
    schema = runtime.schemas.by_uid(uid)
    if schema is not None:
        return display_name(runtime.schemas, schema)
    taken = any(display_name(runtime.schemas, one) == uid for one in runtime.schemas)
    return f"{uid} (not declared)" if taken else uid
