"""Backfill: re-sync every record and every document of a trustworthy live index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..declaration.schema import Schema
from ..runtime import Runtime
from ..work import MAX_IDS, Operation
from .mass_delete import cap_of
from .runner import Progress, run_with_workers, written_for


@dataclass(frozen=True, kw_only=True)
class BackfillReport:
    """What a backfill did: documents re-synced, orphans among them (documents without a record), failed works.

    `kept_orphans` were left, since they are more than `cap`.
    """

    index: str
    works: int
    documents: int
    orphans: int
    failed: int
    kept_orphans: int = 0
    cap: int = 0


def backfill(
    runtime: Runtime,
    schema: Schema,
    *,
    progress: Progress | None = None,
    follow: bool = True,
    allow_mass_delete: bool = False,
) -> BackfillReport:
    """Put work for every record into the ledger, page by page, and for documents that have no record.

    Each page converges like any other work, so writes go on meanwhile. With `follow` this process works along until
    all is settled; otherwise workers do it. Documents without a record are deleted up to a cap, beyond it only with
    `allow_mass_delete`.

    Raises:
        SourceError, EngineError, LedgerError: a part is unreachable; what is in the ledger goes on when it is back.
    """
    written, documents = list[int](), 0
    # Before anything is written: the engine's pages are by offset and would shift under our own deletions.
    orphans = [id for page in orphans_of(runtime, schema) for id in page]
    cap, kept = cap_of(runtime.options, _held(runtime, schema)), 0
    if len(orphans) > cap and not allow_mass_delete:
        kept, orphans = len(orphans), []
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
    return BackfillReport(
        index=runtime.uid_of(schema),
        works=len(written),
        documents=documents + len(orphans),
        orphans=len(orphans),
        failed=failed,
        kept_orphans=kept,
        cap=cap,
    )


def _held(runtime: Runtime, schema: Schema) -> int:
    """How many documents the live index holds."""
    return int((runtime.engine.stats(runtime.uid_of(schema)) or {}).get("numberOfDocuments") or 0)


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
