"""Contract drift with what the ledger's database knows of it: the declaration before, triggers, and who sends where."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from sqlalchemy import Connection

from ..declaration.changes import Declared
from ..declaration.schema import Schema
from ..errors import LedgerMissing
from ..ledger import declared
from ..ledger.triggers.trigger import TableStatus
from ..runtime import Runtime
from .contract_drift import ContractDrift, contract_drift
from .status import seen_elsewhere
from .trigger_status import triggers_of


def contract_report(runtime: Runtime, schema: Schema) -> ContractDrift:
    """Compare an index with its schema; nothing is known of triggers and of what it was made with without a ledger.

    Raises:
        EngineError: the engine could not be asked. LedgerError: the ledger could not.
    """
    made_with: Declared | None = None
    triggers: tuple[TableStatus, ...] | None = None

    def look(connection: Connection) -> tuple[Declared | None, tuple[TableStatus, ...]]:
        return declared.of_index(connection, schema.uid), triggers_of(runtime, schema, connection)

    with suppress(LedgerMissing):
        made_with, triggers = runtime.ledger.read(look)
    others = tuple(one for one in seen_elsewhere(runtime) if schema.uid in one.indexes)
    return replace(contract_drift(runtime, schema, made_with), triggers=triggers, elsewhere=others)
