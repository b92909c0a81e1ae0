"""Whose an index of the engine is: two applications whose prefix and index make one name would undo each other's work.

The ledger shows it where both share one. Otherwise the engine does: our sends bear the id of their ledger.
"""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..errors import IndexTaken
from ..ledger import engine_uids
from ..runtime import Runtime
from ..work import EngineTask

WRITES = ("documentAdditionOrUpdate", "documentDeletion")
LOOKED_AT = 20
"""The newest tasks of an index among which a send of an application is looked for."""


def mark_of(runtime: Runtime) -> str:
    """What the tokens of this ledger's sends end with."""
    return runtime.ledger.identity()[:8]


def refuse_shared(connection: Connection, schema: Schema, engine_uid: str) -> None:
    """Refuse an index of the engine that another index of this ledger has.

    Raises:
        IndexTaken: it has.
    """
    other = engine_uids.other(connection, schema.uid, engine_uid)
    if other is not None:
        raise IndexTaken(
            f"{schema.name}: the engine's index {engine_uid} is that of the index {other} in this ledger: give one of"
            " the applications another index_prefix, or the schema another index="
        )


def refuse_foreign(runtime: Runtime, schema: Schema, engine_uid: str) -> None:
    """Refuse an index of the engine that an application with another ledger has written to, or that this ledger has
    for another index; asked before this ledger uses it for the first time.

    Raises:
        IndexTaken: it has. EngineError, LedgerError: a part could not be asked.
    """
    runtime.ledger.read(lambda tx: refuse_shared(tx, schema, engine_uid))
    found = runtime.engine.index(engine_uid)
    if found is None:
        return
    sent = _newest_send(runtime, engine_uid, made=str(found["createdAt"]))
    parts = ((sent.metadata or "") if sent is not None else "").split(":")
    if len(parts) == 4 and parts[3] != mark_of(runtime):
        raise IndexTaken(
            f"{schema.name}: another application writes to the engine's index {engine_uid} (its ledger is"
            f" {parts[3]}, ours {mark_of(runtime)}): give one of them another index_prefix, or the schema another"
            f" index=; if that application is gone, reindex {schema.name}"
        )


def _newest_send(runtime: Runtime, engine_uid: str, *, made: str) -> EngineTask | None:
    """The newest task of an index since it was made that bears a token of any application of this package's."""
    for task in islice(runtime.engine.tasks_of(engine_uid, types=WRITES, page=LOOKED_AT), LOOKED_AT):
        over = task.finished_at is None or datetime.fromisoformat(task.finished_at) >= datetime.fromisoformat(made)
        if (task.metadata or "").startswith("scrypath:") and over:
            return task
    return None
