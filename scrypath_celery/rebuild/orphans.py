"""Documents without a record: found in the live index, from its end to its beginning, and re-synced away."""

from __future__ import annotations

from sqlalchemy import Connection

from ..ledger import works
from ..work import MAX_IDS, Mode, Operation
from .held import Held
from .phases import Phase


def orphans(held: Held) -> None:
    """One step: look at a page of the live index, and write works for documents that no record has.

    The engine's pages are by offset. Read backwards, they pass over nothing when documents before them are deleted.

    Raises:
        RebuildError, EngineError, SourceError: as elsewhere.
    """
    engine, schema, row = held.runtime.engine, held.schema, held.row
    at = row.counts.get("orphans_from")
    if at is None:
        stats = engine.stats(held.live) or {}
        held.save(phase=Phase.ORPHANS, counts={**row.counts, "orphans_from": int(stats.get("numberOfDocuments", 0))})
        return
    start = max(at - MAX_IDS, 0)
    page = engine.id_page(held.live, schema.key, offset=start, limit=at - start)
    there = held.runtime.source.present(schema, page)
    missing = [id for id in page if id not in there]
    written: list[int] = []

    def write(tx: Connection) -> None:
        written.clear()
        if missing:
            written.extend(works.write(tx, row.index_uid, Operation.BACKFILL, missing, Mode.CELERY, rebuild_id=row.id))

    counts = {**held.count(orphans=len(missing)), "orphans_from": start}
    held.save(phase=Phase.ORPHANS, counts=counts, also=write)
    if written and row.mode == Mode.CELERY:
        held.runtime.publish(row.index_uid, tuple(written))


def is_searched(held: Held) -> bool:
    """Whether the whole index was looked at."""
    return held.row.counts.get("orphans_from") == 0
