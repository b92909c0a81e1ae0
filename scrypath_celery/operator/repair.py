"""Repair: converge exactly the documents that a verification found to differ, through the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ..declaration.schema import Schema
from ..ledger import works
from ..rebuild.mass_delete import cap_of
from ..rebuild.runner import Progress
from ..runtime import Runtime
from ..work import Cause, Mode, Operation
from .comparison import Kind
from .found_ids import FoundIds
from .verify import Verification, look

RESYNCED = (Kind.MISSING, Kind.STALE)
"""What a repair reads and sends again."""


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
    with FoundIds() as ids:
        found = look(runtime, schema, ids, progress=progress)
        cap, ghosts = cap_of(runtime.options, found.documents), found.counts[Kind.GHOST]
        keep = ghosts > cap and not allow_mass_delete
        written: list[int] = []
        if not dry_run:
            written += _write(runtime, schema, Operation.UPSERT, ids.pages(RESYNCED))
            written += _write(runtime, schema, Operation.DELETE, ids.pages(() if keep else (Kind.GHOST,)))
    return Repair(
        verification=found,
        requeued=sum(found.counts[kind] for kind in RESYNCED),
        deletions=0 if keep else ghosts,
        kept_ghosts=ghosts if keep else 0,
        cap=cap,
        works=tuple(written),
        dry_run=dry_run,
    )


def _write(runtime: Runtime, schema: Schema, operation: Operation, pages: Iterable[Sequence[str]]) -> Iterator[int]:
    for ids in pages:
        write = partial(works.write, index_uid=schema.uid, operation=operation, ids=ids, mode=Mode.CELERY)
        written = runtime.ledger.run(write)
        runtime.publish(schema.uid, tuple(written), cause=Cause.REPAIR, documents=len(ids))
        yield from written
