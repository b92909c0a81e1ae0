"""Starting a rebuild, or going on with the one that is under way: by one row, and one owner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from ..convergence.ownership import refuse_shared
from ..declaration.schema import Schema
from ..errors import RebuildError
from ..ledger import claims, indexes, overview, rebuilds
from ..ledger.rebuilds import Rebuild
from ..runtime import Runtime, identity
from ..work import Mode, Operation
from .catch_up import noted_now
from .cutover import fresh_name, settled
from .fill import ranges_of
from .gate import spoilt
from .held import Held, acquire, is_driven, is_followed, note
from .phases import Phase

FOLLOWED = 30.0
"""Seconds for which a command that follows a rebuild counts as living after its last sign."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a caller asks for: the operation, where it runs, and the options that the row keeps."""

    operation: Operation
    mode: Mode
    options: Mapping[str, Any]


def begin(runtime: Runtime, schema: Schema, asked: Asked) -> tuple[Held, str | None]:
    """Hold a new rebuild, or the one that is under way; and the reason where one had to be given up for a new start.

    Raises:
        RebuildError: another process drives or follows one, an old content is kept, or the source of the projection
            cannot be read and the declaration has no version. IndexTaken: another index of this ledger has the name.
        EngineError, SourceError, LedgerError: a part is unreachable.
    """
    if asked.operation is Operation.REINDEX:
        _check_version(schema)

    def look(tx: Connection) -> Rebuild | None:
        if asked.operation is Operation.REINDEX:
            refuse_shared(tx, schema, runtime.uid_of(schema))
        return rebuilds.active(tx, schema.uid)

    found = runtime.ledger.read(look)
    if found is None:
        return _new(runtime, schema, asked), None
    runtime.ledger.read(lambda tx: refuse(tx, schema, found, asked.operation))
    held = acquire(runtime, schema, found, steal=asked.mode is Mode.CELERY)
    if held is None:
        raise alive(schema, found)
    reason = None if _is_decided(held) else _spoilt(held)
    if reason is not None:
        abandon(held, reason)
        return _new(runtime, schema, asked), reason
    waiting = held.phase is Phase.CUT_OVER and not held.row.tried
    held.save(
        phase=Phase.CATCH_UP if waiting else held.phase,
        rounds=0,
        mode=asked.mode.value,
        options={**held.row.options, **asked.options},
        blocked=[],
        counts={**held.row.counts, "again": 0},
        asked_by=identity(),
    )
    return held, None


def refuse(connection: Connection, schema: Schema, found: Rebuild, operation: Operation) -> None:
    """Refuse what would get into the way of a rebuild that is under way.

    Raises:
        RebuildError: see `begin`.
    """
    if found.phase == Phase.KEPT:
        raise RebuildError(
            f"the old content of {schema.name} is kept as {found.target} (rebuild {found.id}):"
            " drop it (--drop-old) or go back to it (--rollback) first",
            why="kept",
        )
    at = overview.time(connection)
    by_command = is_driven(found, at) and found.mode != Mode.CELERY
    if found.operation is not operation or by_command or is_followed(found, at):
        raise alive(schema, found)


def alive(schema: Schema, found: Rebuild) -> RebuildError:
    """The error for a second rebuild beside a living one."""
    who = found.owner or found.asked_by or "the workers"
    return RebuildError(
        f"{found.operation} {found.id} of {schema.name} is under way (phase {found.phase}, {who}):"
        f" wait for it, or give it up with `scrypath-celery reindex {schema.name} --abort`",
        why="alive",
    )


def abandon(held: Held, reason: str) -> None:
    """Give a rebuild up for a new start: its works are cancelled, its target is dropped where it is still there.

    Raises:
        RebuildError: another process took it over. EngineError: the engine does not answer.
    """
    give_up(held, Phase.ABANDONED, reason)


def give_up(held: Held, phase: Phase, reason: str) -> None:
    """End a rebuild without a swap."""

    def cancel(tx: Connection) -> None:
        rebuilds.cancel_works(tx, held.row.id)
        if held.row.target is not None:
            claims.end_target(tx, held.row.target)

    held.save(reason=reason[:500], also=cancel)
    engine = held.runtime.engine
    for name in {held.row.target, held.row.renaming} - {None}:
        assert name is not None
        # What is still to be made stands in the engine's queue, before its end.
        if held.row.target_created is None or engine.index(name) is not None:
            settled(held.runtime, engine.drop(name), missing="index_not_found")
    held.save(phase=phase)


def _is_decided(held: Held) -> bool:
    """Whether a swap was sent, so that going on means to find out what became of it."""
    return held.row.tried or held.phase is Phase.AFTER_SWAP


def _spoilt(held: Held) -> str | None:
    if held.row.operation is not Operation.REINDEX or held.row.target_created is None:
        changed = held.row.fingerprint != held.schema.fingerprint()
        return f"the declaration of {held.schema.name} changed" if changed else None
    found = spoilt(held)
    return "; ".join(f"{code}: {text}" for code, text in found.items()) or None


def _new(runtime: Runtime, schema: Schema, asked: Asked) -> Held:
    reindex = asked.operation is Operation.REINDEX
    values: dict[str, Any] = {
        "index_uid": schema.uid,
        "operation": asked.operation.value,
        "phase": (Phase.CREATE if reindex else Phase.FILL).value,
        "mode": asked.mode.value,
        "target": fresh_name(runtime, schema.uid) if reindex else None,
        "fingerprint": schema.fingerprint(),
        "options": dict(asked.options),
        "asked_by": identity(),
        "owner": identity(),
    }

    def write(tx: Connection) -> Rebuild:
        noted = noted_now(tx, schema.uid)
        indexes.lock(tx, schema.uid)
        there = rebuilds.active(tx, schema.uid)
        if there is not None:
            raise alive(schema, there)
        made = rebuilds.create(tx, lease=runtime.options.lease, noted=noted, **values)
        note(tx, made)
        return made

    held = Held(runtime=runtime, schema=schema, row=runtime.ledger.run(write))
    if not reindex:
        part = any(asked.options.get(name) for name in ("ids", "where", "since"))
        total = len(asked.options["ids"]) if asked.options.get("ids") is not None else None
        total = total if part else runtime.source.count(schema)
        held.save(ranges=ranges_of(held), counts={"total": total}, options={**asked.options, "part": part})
    return held


def _check_version(schema: Schema) -> None:
    unread = [name for name, text in schema.sources.items() if text is None]
    if unread and schema.version is None:
        raise RebuildError(
            f"the source of {schema.name}'s {', '.join(unread)} cannot be read, so a change of it would go unseen:"
            " declare version= and change it whenever that changes",
            why="no_version",
        )
