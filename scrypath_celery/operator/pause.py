"""Pausing an index by hand, and resuming it: workers keep off it, and writes are captured all the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..errors import WorkError
from ..ledger import indexes
from ..runtime import Runtime
from ..work import IndexRow, ReasonClass
from .acting import somebody
from .display_name import display_name
from .serialization import one_line, to_datetime


@dataclass(frozen=True, kw_only=True)
class Paused:
    """Why nothing of an index is tried, since when, and when it is tried next."""

    reason_class: ReasonClass
    reason: str
    since: datetime | None
    next_probe: datetime | None


@dataclass(frozen=True, kw_only=True)
class PausedByHand:
    """Who paused an index, when and why; it stays so until somebody resumes it."""

    by: str
    reason: str
    since: datetime | None


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """`resumed` is false where the index was not paused by hand; `pause` is one that stands and ends by itself."""

    schema: str
    resumed: bool
    pause: Paused | None = None


def pause(runtime: Runtime, schema: Schema, *, reason: str, by: str | None = None) -> PausedByHand:
    """Let no worker begin anything of an index until `resume`; what is under way is finished, writes are captured.

    Again it changes the reason. `by` is the user and host of this process where left out.

    Raises:
        WorkError: there is no reason. LedgerError: the ledger cannot be used.
    """
    told = one_line(reason) if isinstance(reason, str) else ""
    if not told:
        raise WorkError("a pause needs a reason, for whoever finds it")

    def write(tx: Connection) -> IndexRow | None:
        indexes.pause_by_hand(tx, schema.uid, by=one_line(by) or somebody(), reason=told)
        return indexes.get(tx, schema.uid)

    found = by_hand(runtime.ledger.run(write))
    assert found is not None
    return found


def resume(runtime: Runtime, schema: Schema) -> Resumed:
    """End the pause by hand of an index; its works go on with the next pass of the relay.

    Raises:
        LedgerError: the ledger cannot be used.
    """

    def write(tx: Connection) -> tuple[bool, IndexRow | None]:
        return indexes.resume_by_hand(tx, schema.uid), indexes.get(tx, schema.uid)

    ended, row = runtime.ledger.run(write)
    return Resumed(schema=display_name(runtime.schemas, schema), resumed=ended, pause=paused(row))


def paused(row: IndexRow | None) -> Paused | None:
    """The pause in an index's row that ends by itself."""
    if row is None or row.pause is None:
        return None
    found = row.pause
    return Paused(
        reason_class=found.reason_class,
        reason=found.reason,
        since=to_datetime(found.since),
        next_probe=to_datetime(found.until),
    )


def by_hand(row: IndexRow | None) -> PausedByHand | None:
    """The pause by hand in an index's row."""
    found = None if row is None else row.pause_by_hand
    return None if found is None else PausedByHand(by=found.by, reason=found.reason, since=to_datetime(found.since))
