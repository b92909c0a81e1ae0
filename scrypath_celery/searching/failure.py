"""What an error of a search means to whoever searched."""

from __future__ import annotations

from ..declaration.schema import Schema
from ..errors import EngineError, IndexMissing, IndexMissingPaused, ScrypathError
from ..ledger import indexes
from ..runtime import Runtime

PROGRAM = "scrypath-celery"


def is_missing(exc: EngineError) -> bool:
    """Whether the engine said that there is no such index."""
    return exc.engine_code == "index_not_found"


def explained(runtime: Runtime, schema: Schema, exc: EngineError) -> EngineError:
    """The error with what helps against it, where it says that the index of a schema is not there."""
    if not is_missing(exc):
        return exc
    uid = runtime.uid_of(schema)
    paused = _paused(runtime, schema)
    kind: type[IndexMissing]
    text = f"there is no index {uid!r} at {runtime.engine.url}"
    if paused:
        kind, text = (
            IndexMissingPaused,
            f"{text}, and work on it is paused ({paused}): see `{PROGRAM} status {schema.name}`",
        )
    else:
        make = f"{PROGRAM} reconcile {schema.name} --action backfill"
        kind, text = IndexMissing, f"{text}: make it with `{make}`, or search with on_missing='empty'"
    return kind(
        text,
        status=exc.status,
        engine_code=exc.engine_code,
        engine_type=exc.engine_type,
        engine_message=exc.engine_message,
        link=exc.link,
    )


def _paused(runtime: Runtime, schema: Schema) -> str | None:
    """Why work on an index is paused; None where it is not, or the ledger does not say."""
    try:
        row = runtime.ledger.read(lambda connection: indexes.get(connection, schema.uid))
    except ScrypathError:
        return None
    pause = None if row is None else row.pause_by_hand or row.pause
    return None if pause is None else pause.reason
