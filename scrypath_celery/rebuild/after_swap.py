"""After the swap: what was claimed since the last catch-up is re-synced, sends without an answer are audited, and the
old content is dropped, or kept for a time."""

from __future__ import annotations

from sqlalchemy import Connection

from ..errors import EngineError
from ..ledger import declared, engine_uids, indexes, marks, notes, overview, rebuilds, unresolved, works
from ..work import State
from .cutover import settled
from .held import Held
from .phases import Phase

AUDITED = "audited"
MADE_WITH = "made_with"
"""The option that keeps what the old content was made with."""


def after_swap(held: Held) -> None:
    """One step: requeue a part of what the new content may lack; at last see to the old content.

    Raises:
        RebuildError: another process took the rebuild over. EngineError: the old content could not be dropped.
    """
    row = held.row
    if not row.counts.get(AUDITED):
        requeue(held)
        return
    keep = float(row.options.get("keep_old") or 0)
    if keep > 0 and not row.options.get("rollback"):
        held.save(phase=Phase.KEPT, also=lambda tx: rebuilds.keep_until(tx, row.id, keep))
        return
    drop(held)


def requeue(held: Held) -> None:
    """Requeue the documents of all works claimed since the last note, in parts; with the last part, those of the
    claims of which a request may still land, and of the works that failed and were allowed to."""
    row, uid = held.row, held.row.index_uid
    (upto, ids, more), before = held.runtime.ledger.read(
        lambda tx: (rebuilds.claimed_since(tx, uid, row.noted), declared.of_index(tx, uid))
    )
    written: list[int] = []

    def write(tx: Connection) -> None:
        written.clear()
        again = dict.fromkeys(ids)
        if not more:
            again.update(dict.fromkeys(unresolved.ids(tx, uid)))
            again.update(dict.fromkeys(_failed_ids(tx, row.id)))
            _note_declared(held, tx)
            engine_uids.note(tx, uid, held.live)
            notes.forget_hot_applies(tx, uid)  # they went with the old content
            marks.end_loss(tx, uid)
            indexes.resume(tx, uid)  # what the live index was paused for is gone with it
            rebuilds.cancel_works(tx, row.id)
        written.extend(works.requeue(tx, uid, list(again)))

    options = row.options if row.options.get("rollback") else {**row.options, MADE_WITH: before}
    counts = {**held.count(requeued=len(ids)), AUDITED: not more}
    held.save(noted=upto, counts=counts, options=options, also=write)
    if written:
        held.runtime.publish(uid, tuple(written))


def _note_declared(held: Held, connection: Connection) -> None:
    """What is live now was made with the present declaration, or with what its rollback puts back."""
    row = held.row
    if row.options.get("rollback"):
        declared.put(connection, row.index_uid, row.options.get(MADE_WITH))
    else:
        declared.note(connection, row.index_uid, held.schema.declared)


def _failed_ids(connection: Connection, id: int) -> list[str]:
    found = rebuilds.works_in(connection, id, State.FAILED)
    return [document for item in found for document in item.left]


def drop(held: Held) -> None:
    """Drop the old content, and end the rebuild.

    Raises:
        EngineError: the engine does not answer, or the index of that name holds what ought to be live.
    """
    found = held.runtime.engine.index(held.target)
    if found is not None and found["createdAt"] == held.row.target_created:
        raise EngineError(f"{held.target} holds what was filled: the live index was swapped back by somebody else")
    if found is not None:
        held.renew()
        settled(held.runtime, held.runtime.engine.drop(held.target), missing="index_not_found")
    held.save(phase=Phase.DONE)


def keep(held: Held) -> bool:
    """One step with old content that is kept: deletions go to it too, and it is dropped when its time is over.

    Whether anything changed.

    Raises:
        RebuildError: another process took the rebuild over. EngineError, SourceError: a part does not answer.
    """
    row, runtime = held.row, held.runtime
    over = runtime.ledger.read(overview.time) > (row.keep_until or 0)
    if over:
        drop(held)
        return True
    upto, ids, more = runtime.ledger.read(lambda tx: rebuilds.claimed_since(tx, row.index_uid, row.noted, limit=1_000))
    if not ids:
        return False
    there = runtime.source.present(held.schema, ids)
    gone = [id for id in ids if id not in there]
    if gone and runtime.engine.index(held.target) is not None:
        held.renew()
        settled(runtime, runtime.engine.delete(held.target, gone, token=f"scrypath:rebuild:{row.id}"))
    held.save(noted=upto)
    return more
