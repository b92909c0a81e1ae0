"""The two rebuilds as calls: backfill and reindex, with what can be undone of the second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..declaration.schema import Schema
from ..declaration.setting_checks import missing_rules
from ..errors import RebuildError
from ..ledger import overview, rebuilds
from ..ledger.rebuilds import Rebuild
from ..runtime import Runtime
from ..work import Mode, Operation, State, cause_of
from .after_swap import drop
from .begin import Asked, begin, give_up
from .cutover import TargetGone, was_swapped
from .follow import Note, follow, log_waiting
from .held import Held, acquire
from .phases import Phase
from .report import BackfillReport, RebuildStatus, ReindexReport, reindex_report, status_of
from .runner import Progress, run_here


@dataclass(frozen=True, kw_only=True)
class How:
    """How a rebuild runs and is looked at: in which mode, whether the caller stays, and whom it tells.

    `patience` is how long (seconds) a caller that stays waits for a first worker; None is for ever.
    """

    mode: Mode
    detach: bool = False
    progress: Progress | None = None
    note: Note = log_waiting
    patience: float | None = None


def backfill(
    runtime: Runtime,
    schema: Schema,
    how: How,
    *,
    ids: Sequence[str] | None = None,
    where: Mapping[str, str] | None = None,
    since: Mapping[str, str] | None = None,
    allow_mass_delete: bool = False,
) -> BackfillReport:
    """Re-sync every record and document of a live index, or the records that are chosen.

    Each page converges like any other work, so writes go on meanwhile. Where records are chosen, documents without
    a record are left alone; otherwise they are deleted up to a cap, beyond it only with `allow_mass_delete`.

    Raises:
        RebuildError: another process drives or follows one.
        SourceError, EngineError, LedgerError: a part is unreachable; the same call goes on when it is back.
    """
    options: dict[str, Any] = {
        "ids": None if ids is None else list(dict.fromkeys(ids)),
        "where": dict(where or {}),
        "since": dict(since or {}),
        "allow_mass_delete": allow_mass_delete,
    }
    row, _ = _run(runtime, schema, Asked(operation=Operation.BACKFILL, mode=how.mode, options=options), how)
    return BackfillReport(
        id=row.id,
        index=runtime.uid_of(schema),
        documents=row.counts.get("filled", 0) + row.counts.get("orphans", 0),
        orphans=row.counts.get("orphans", 0),
        kept_orphans=row.counts.get("kept_orphans", 0),
        failed=_failed(runtime, row),
        part=bool(row.options.get("part")),
        over=row.phase == Phase.DONE,
    )


def reindex(
    runtime: Runtime,
    schema: Schema,
    how: How,
    *,
    cutover: bool = True,
    keep_old: float = 0.0,
    allow_failed: int = 0,
    allow_shrink: bool = False,
) -> ReindexReport:
    """Build a new index beside the live one without losing a write, and swap it in where nothing speaks against it.

    The same call goes on where an earlier one stopped. Without `cutover` it stops before the swap.
    `keep_old` is how long (seconds) the old content is kept, `allow_failed` how many documents may have failed,
    `allow_shrink` lets a much smaller index go live.

    Raises:
        RebuildError: another process drives or follows one, or an old content is kept; or the declared ranking rules
            leave out a default of the engine's (`ranking_rules`), which `ranking_rules_strict=False` allows.
        SourceError, EngineError, LedgerError: a part is unreachable; the same call goes on when it is back.
    """
    missing = missing_rules(schema.settings.get("rankingRules")) if schema.ranking_rules_strict else []
    if missing:
        raise RebuildError(
            f"the ranking_rules of {schema.name} leave out {', '.join(missing)}, which the engine has by default: add"
            " them, or declare ranking_rules_strict=False",
            why="ranking_rules",
        )
    options = {
        "cutover": cutover,
        "keep_old": float(keep_old),
        "allow_failed": allow_failed,
        "allow_shrink": allow_shrink,
    }
    row, anew = _run(runtime, schema, Asked(operation=Operation.REINDEX, mode=how.mode, options=options), how)
    return reindex_report(runtime, row, _failed(runtime, row), anew)


def abort(runtime: Runtime, schema: Schema) -> RebuildStatus:
    """Give up the rebuild of a schema, whoever drives it: its works are cancelled, its target is dropped.

    Where a swap was sent, it is first found out whether it happened.

    Raises:
        RebuildError: there is none, or it has been cut over (`swapped`; what is due after a swap is then done).
        EngineError, LedgerError: a part is unreachable.
    """
    row = _active(runtime, schema)
    if row.phase == Phase.KEPT:
        raise RebuildError(
            f"rebuild {row.id} of {schema.name} has been cut over: drop its old content (--drop-old) or go back to it"
            " (--rollback)",
            why="swapped",
        )
    held = _taken(runtime, schema, row)
    if row.phase == Phase.AFTER_SWAP or _happened(held):
        if held.phase is not Phase.AFTER_SWAP:
            held.save(phase=Phase.AFTER_SWAP)
        run_here(held)
        raise RebuildError(
            f"rebuild {row.id} of {schema.name} had been cut over: it was finished, nothing is left to abort",
            why="swapped",
        )
    try:
        give_up(held, Phase.ABORTED, "aborted")
    finally:
        held.release()
    return _status(runtime, schema, held.row)


def rollback(runtime: Runtime, schema: Schema, how: How) -> ReindexReport:
    """Go back to the old content: catch up what was written since the swap, and swap again.

    Raises:
        RebuildError: no old content is kept, or another process is at it.
        SourceError, EngineError, LedgerError: a part is unreachable; `reindex` goes on when it is back.
    """
    held = _kept(runtime, schema)
    row = held.row
    if runtime.ledger.read(overview.time) > (row.keep_until or 0):
        held.release()
        raise RebuildError(f"the time of the old content of {schema.name} is over: reindex instead", why="pruned")
    held.save(
        phase=Phase.CATCH_UP,
        mode=how.mode.value,
        fingerprint=schema.fingerprint(),
        noted=row.rollback_from,
        catching=None,
        rounds=0,
        tried=0,
        target_uid=None,
        target_created=row.counts.get("old_created"),
        options={**row.options, "rollback": True, "cutover": True},
        counts={"rolled_back": 1},
        blocked=[],
    )
    return reindex_report(runtime, _finish(held, how), 0, None)


def drop_old(runtime: Runtime, schema: Schema) -> RebuildStatus:
    """Drop the old content that is kept.

    Raises:
        RebuildError: there is none. EngineError, LedgerError: a part is unreachable.
    """
    held = _kept(runtime, schema)
    try:
        drop(held)
    finally:
        held.release()
    return _status(runtime, schema, held.row)


def listed(runtime: Runtime, schemas: Sequence[Schema], *, limit: int = 20) -> tuple[RebuildStatus, ...]:
    """The newest rebuilds of these schemas, newest first."""
    by_uid = {schema.uid: schema for schema in schemas}
    rows = runtime.ledger.read(lambda tx: rebuilds.latest(tx, limit=limit))
    return tuple(_status(runtime, by_uid[row.index_uid], row) for row in rows if row.index_uid in by_uid)


def _run(runtime: Runtime, schema: Schema, asked: Asked, how: How) -> tuple[Rebuild, str | None]:
    held, anew = begin(runtime, schema, asked)
    return _finish(held, how), anew


def _finish(held: Held, how: How) -> Rebuild:
    """Drive it here to its end, or leave it to the workers and follow."""
    if how.mode is not Mode.CELERY:
        return run_here(held, how.progress)
    held.release()
    # A nudge: whoever gets it drives what is there to drive.
    held.runtime.publish(held.row.index_uid, (0,), cause=cause_of(held.row.operation))
    if how.detach:
        return held.row
    return follow(held.runtime, held.row.id, progress=how.progress, note=how.note, patience=how.patience)


def _active(runtime: Runtime, schema: Schema) -> Rebuild:
    row = runtime.ledger.read(lambda tx: rebuilds.active(tx, schema.uid))
    if row is None:
        raise RebuildError(f"no rebuild of {schema.name} is under way", why="none")
    return row


def _kept(runtime: Runtime, schema: Schema) -> Held:
    row = _active(runtime, schema)
    if row.phase != Phase.KEPT:
        raise RebuildError(f"no old content of {schema.name} is kept: rebuild {row.id} is at {row.phase}", why="none")
    return _taken(runtime, schema, row)


def _taken(runtime: Runtime, schema: Schema, row: Rebuild) -> Held:
    for _ in range(5):
        held = acquire(runtime, schema, row, steal=True)
        if held is not None:
            return held
    raise RebuildError(f"rebuild {row.id} of {schema.name} is over", why="none")


def _happened(held: Held) -> bool:
    if held.row.operation is not Operation.REINDEX or not held.row.tried:
        return False
    try:
        return was_swapped(held)
    except TargetGone:
        return False


def _failed(runtime: Runtime, row: Rebuild) -> int:
    return runtime.ledger.read(lambda tx: rebuilds.tally(tx, row.id)).get(State.FAILED, (0, 0))[0]


def _status(runtime: Runtime, schema: Schema, row: Rebuild) -> RebuildStatus:
    now = runtime.ledger.read(overview.time)
    return status_of(row, schema=schema.name, index=runtime.uid_of(schema), now=now)


def planned(
    runtime: Runtime,
    schema: Schema,
    *,
    ids: Sequence[str] | None = None,
    where: Mapping[str, str] | None = None,
    since: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """What a rebuild would read; changes nothing. Numbers are None where they cannot be told without reading all.

    Raises:
        SourceError, EngineError, LedgerError: a part is unreachable.
    """
    part = ids is not None or bool(where) or bool(since)
    if part:
        runtime.source.page(schema, 1, where=where, since=since)  # refuses what is no column or no value
    stats = runtime.engine.stats(runtime.uid_of(schema))
    under_way = runtime.ledger.read(lambda tx: rebuilds.active(tx, schema.uid))
    records = len(ids) if ids is not None else None if part else runtime.source.count(schema)
    return {
        "records": records,
        "documents": None if stats is None else stats["numberOfDocuments"],
        "part": part,
        "goes_on_with": None if under_way is None else under_way.id,
    }
