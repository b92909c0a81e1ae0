"""Watching for declarations that changed since their index was made: said once in each process, in log and signal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

from .declaration.changes import Remedy, changes, cheapest
from .declaration.schema import Schema
from .errors import LedgerError
from .ledger import Ledger, declared
from .logs import log

COMMANDS: Mapping[Remedy, str] = {
    Remedy.SETTINGS_APPLY: "settings apply {name}",
    Remedy.BACKFILL: "reconcile {name} --action backfill",
    Remedy.REINDEX: "reconcile {name} --action reindex",
}
"""The command line of each action."""


class DeclarationWatch:
    """Compares declarations with what the ledger notes of their indexes; raises nothing."""

    def __init__(self, uid_of: Callable[[Schema], str]) -> None:
        self._uid_of = uid_of
        self._looked: set[tuple[int, str]] = set()

    def look(self, ledger: Ledger, schemas: Iterable[Schema]) -> None:
        """Say what changed of these schemas, of each once in this process."""
        for schema in schemas:
            mark = (os.getpid(), schema.uid)
            if mark in self._looked:
                continue
            self._looked.add(mark)
            try:
                self._compare(ledger, schema)
            except LedgerError as exc:
                log("declaration_not_compared", schema=schema.name, error=exc.code)
                self._looked.discard(mark)

    def _compare(self, ledger: Ledger, schema: Schema) -> None:
        uid = schema.uid
        found = changes(ledger.read(lambda tx: declared.of_index(tx, uid)), schema.declared)
        if not found:
            return
        names, index = tuple(change.name for change in found), self._uid_of(schema)
        remedies = cheapest({change.remedy for change in found})
        commands = tuple(COMMANDS[remedy].format(name=schema.name) for remedy in remedies)
        shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
        log("contract_drift", schema=schema.name, index=index, changes=shown, commands=", then ".join(commands))
        from .signals import contract_drift  # loads Celery

        contract_drift.send(
            sender=schema.model, schema=schema.name, index=index, changes=names, remedies=remedies, commands=commands
        )
