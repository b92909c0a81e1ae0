"""How far a rebuild is: kept in the ledger's row of the index, so that another process goes on after a crash."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from ..ledger import claims, indexes
from ..runtime import Runtime


class Phase(StrEnum):
    """What comes next."""

    CREATE = "create"
    FILL = "fill"
    CATCH_UP = "catch_up"
    CUT_OVER = "cut_over"
    AFTER_SWAP = "after_swap"


@dataclass(frozen=True, kw_only=True)
class Job:
    """A rebuild under way. `noted` is the last claim number whose documents the target has for sure; `cursor` the last
    id written down to be filled; `created` the target's `createdAt`, which travels with its content; `tried` says
    that a swap was sent, `renaming` the name that the target is being given; `first` is the id of its first work."""

    uid: str
    target: str
    noted: int
    phase: Phase = Phase.CREATE
    cursor: str | None = None
    filled: bool = False
    created: str | None = None
    tried: bool = False
    renaming: str | None = None
    first: int | None = None


def load(runtime: Runtime, uid: str) -> Job | None:
    """The rebuild of an index that is under way, if any."""
    row = runtime.ledger.run(lambda tx: indexes.get(tx, uid))
    return of_row(uid, row.rebuild) if row is not None and row.rebuild else None


def of_row(uid: str, rebuild: Mapping[str, Any]) -> Job:
    """The job that a row of `scrypath_index` holds."""
    values = {**rebuild, "phase": Phase(rebuild["phase"]), "uid": uid}
    return Job(**values)


def start(runtime: Runtime, uid: str) -> Job:
    """Note the index's claim number and a name for the target that was never used before."""
    target = fresh_name(runtime, uid)

    def begin(tx: Any) -> Job:
        indexes.ensure(tx, uid)
        row = indexes.get(tx, uid)
        # The oldest claim that is still held counts too: it may read before and send after what the fill reads.
        lowest = claims.lowest_held(tx, uid)
        number = row.last_number if row else 0
        job = Job(uid=uid, target=target, noted=number if lowest is None else min(number, lowest - 1))
        write(tx, job)
        return job

    return runtime.ledger.run(begin)


def save(runtime: Runtime, job: Job, **changes: Any) -> Job:
    """The job with these changes, written down."""
    changed = replace(job, **changes)
    runtime.ledger.run(lambda tx: write(tx, changed))
    return changed


def write(connection: Any, job: Job) -> None:
    """Write a job down on this connection."""
    values = {**asdict(job), "phase": job.phase.value}
    del values["uid"]
    indexes.write_rebuild(connection, job.uid, values)


def fresh_name(runtime: Runtime, uid: str) -> str:
    """An engine uid that was never used before."""
    return f"{runtime.engine_uid(uid)[:380]}_rebuild_{secrets.token_hex(4)}"
