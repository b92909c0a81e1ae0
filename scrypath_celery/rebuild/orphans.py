"""Documents without a record: found in the live index, from its end to its beginning, and re-synced away."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from ..ledger import rebuilds, works
from ..work import MAX_IDS, Cause, Mode, Operation
from .catch_up import failed_works
from .held import Held
from .mass_delete import cap_of
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
        count = int(stats.get("numberOfDocuments", 0))
        start = 0 if _is_proven(held, count) else count
        held.save(phase=Phase.ORPHANS, counts={**row.counts, "orphans_from": start, "documents_held": count})
        return
    start = max(at - MAX_IDS, 0)
    page = engine.id_page(held.live, schema.key, offset=start, limit=at - start)
    there = held.runtime.source.present(schema, page)
    found = [id for id in page if id not in there]
    missing = found[: _room(held)]
    written: list[int] = []

    def write(tx: Connection) -> None:
        written.clear()
        if missing:
            written.extend(works.write(tx, row.index_uid, Operation.BACKFILL, missing, Mode.CELERY, rebuild_id=row.id))

    counts = {**held.count(orphans=len(missing), kept_orphans=len(found) - len(missing)), "orphans_from": start}
    held.save(phase=Phase.ORPHANS, counts=counts, also=write)
    if written and row.mode == Mode.CELERY:
        held.runtime.publish(row.index_uid, tuple(written), cause=Cause.BACKFILL, documents=len(missing))


def _is_proven(held: Held, documents: int) -> bool:
    """Whether numbers alone say that every document has a record: reading all ids again costs more than a fill.

    All records were sent and none failed, nobody else wrote meanwhile, and there are as many documents as records.
    """
    row, runtime = held.row, held.runtime
    if documents != row.counts.get("filled") or failed_works(held)[0]:
        return False
    if runtime.ledger.read(partial(rebuilds.others_moved, id=row.id, index_uid=row.index_uid, number=row.noted)):
        return False
    return runtime.source.count(held.schema) == documents


def _room(held: Held) -> int | None:
    """How many more documents without a record may be deleted; None where an operator allowed all."""
    if held.row.options.get("allow_mass_delete"):
        return None
    counts = held.row.counts
    total = int(counts.get("documents_held", 0))
    cap = cap_of(held.runtime.options, total)
    # More documents than records by more than the cap: then none is deleted, rather than the first of them.
    if total - int(counts.get("filled", 0)) > cap:
        return 0
    return max(cap - int(counts.get("orphans", 0)), 0)


def is_searched(held: Held) -> bool:
    """Whether the whole index was looked at."""
    return held.row.counts.get("orphans_from") == 0
