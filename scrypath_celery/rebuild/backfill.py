"""Backfill: re-sync every record and every document of a trustworthy live index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from ..declaration.schema import Schema
from ..ledger import marks, overview
from ..runtime import Runtime
from ..work import MAX_IDS, Operation
from .runner import Progress, run_with_workers, written_for


@dataclass(frozen=True, kw_only=True)
class BackfillReport:
    """What a backfill did: documents re-synced, orphans among them (documents without a record), failed works."""

    index: str
    works: int
    documents: int
    orphans: int
    failed: int


def backfill(
    runtime: Runtime, schema: Schema, *, progress: Progress | None = None, follow: bool = True
) -> BackfillReport:
    """Put work for every record into the ledger, page by page, and for documents that have no record.

    Each page converges like any other work, so writes go on meanwhile. With `follow` this process works along until
    all is settled; otherwise workers do it.

    Raises:
        SourceError, EngineError, LedgerError: a part is unreachable; what is in the ledger goes on when it is back.
    """
    written, documents = list[int](), 0
    begun = runtime.ledger.read(overview.time)
    # Before anything is written: the engine's pages are by offset and would shift under our own deletions.
    orphans = [id for page in orphans_of(runtime, schema) for id in page]
    total = runtime.source.count(schema)
    for page in runtime.source.pages(schema, MAX_IDS):
        written += written_for(runtime, schema.uid, Operation.BACKFILL, page)
        documents += len(page)
        if progress is not None:
            progress("enumerate", documents, total)
    for start in range(0, len(orphans), MAX_IDS):
        written += written_for(runtime, schema.uid, Operation.BACKFILL, orphans[start : start + MAX_IDS])
    failed = 0
    if follow and written:
        failed = run_with_workers(
            runtime, schema.uid, Operation.BACKFILL, since=written[0], phase="backfill", progress=progress
        )
    if follow and not failed:
        runtime.ledger.run(partial(marks.end_loss, uid=schema.uid, before=begun))
    return BackfillReport(
        index=runtime.uid_of(schema),
        works=len(written),
        documents=documents + len(orphans),
        orphans=len(orphans),
        failed=failed,
    )


def orphans_of(runtime: Runtime, schema: Schema) -> Iterator[list[str]]:
    """Ids of documents in the live index that no record has, a page at a time."""
    index = runtime.uid_of(schema)
    if runtime.engine.index(index) is None:
        return
    for page in runtime.engine.ids(index, schema.key):
        there = runtime.source.present(schema, page)
        missing = [id for id in page if id not in there]
        if missing:
            yield missing
