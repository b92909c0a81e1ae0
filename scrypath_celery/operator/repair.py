"""Repair: converge exactly the documents that a verification found to differ, through the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ..declaration.schema import Schema
from ..ledger import works
from ..rebuild.mass_delete import cap_of
from ..rebuild.runner import Progress
from ..runtime import Runtime
from ..work import Cause, Mode, Operation
from .verify import Verification, verify


@dataclass(frozen=True, kw_only=True)
class Repair:
    """What was found, and what was put into the ledger (with `dry_run`: would have been).

    `kept_ghosts` are documents without a record that were left, since they are more than `cap`.
    """

    verification: Verification
    requeued: int
    deletions: int
    kept_ghosts: int
    cap: int
    works: tuple[int, ...] = ()
    dry_run: bool = False


def repair(
    runtime: Runtime,
    schema: Schema,
    *,
    dry_run: bool = False,
    allow_mass_delete: bool = False,
    progress: Progress | None = None,
) -> Repair:
    """Verify an index in full and give what differs to the workers; documents that agree are not written.

    Documents without a record are deleted up to a cap, beyond it only with `allow_mass_delete`.

    Raises:
        SourceError, EngineError, LedgerError: a part is unreachable; what is in the ledger goes on when it is back.
    """
    found = verify(runtime, schema, progress=progress)
    cap = cap_of(runtime.options, found.documents)
    keep = len(found.ghost) > cap and not allow_mass_delete
    resync = (*found.missing, *found.stale)
    deletions = () if keep else found.ghost
    written = () if dry_run else _write(runtime, schema, resync, deletions)
    return Repair(
        verification=found,
        requeued=len(resync),
        deletions=len(deletions),
        kept_ghosts=len(found.ghost) if keep else 0,
        cap=cap,
        works=written,
        dry_run=dry_run,
    )


def _write(runtime: Runtime, schema: Schema, resync: Sequence[str], deletions: Sequence[str]) -> tuple[int, ...]:
    written: list[int] = []
    for operation, ids in ((Operation.UPSERT, resync), (Operation.DELETE, deletions)):
        if ids:
            write = partial(works.write, index_uid=schema.uid, operation=operation, ids=ids, mode=Mode.CELERY)
            written += runtime.ledger.run(write)
    if written:
        runtime.publish(schema.uid, tuple(written), cause=Cause.REPAIR, documents=len(resync) + len(deletions))
    return tuple(written)
