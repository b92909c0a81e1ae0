"""How the triggers of a schema stand."""

from __future__ import annotations

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..ledger.triggers.trigger import TableStatus
from ..ledger.triggers.triggers import Triggers
from ..runtime import Runtime


def triggers_of(runtime: Runtime, schema: Schema, connection: Connection) -> tuple[TableStatus, ...]:
    """How the triggers of a schema stand, table by table; nothing where it has none."""
    notify = runtime.options.ledger_notify
    found = Triggers(runtime.ledger, [schema], routes=runtime.schemas.routes, notify=notify)
    return found.standing_if_any(connection)
