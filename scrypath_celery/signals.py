"""Signals that an application can listen to, of the same kind as Celery's own.

    from scrypath_celery.signals import contract_drift

    @contract_drift.connect
    def on_drift(sender, schema, index, changes, remedies, commands, **kwargs): ...

What a receiver raises is logged and hurts nobody. Receivers are kept by weak references, unless `weak=False`.
"""

from __future__ import annotations

from celery.utils.dispatch import Signal

__all__ = ["contract_drift"]

contract_drift = Signal(name="contract_drift", providing_args={"schema", "index", "changes", "remedies", "commands"})
"""A declaration is another one than its index was made with (a deployment changed it, and nothing was applied yet).

Sent once in a process for each index: by a worker when it starts, and by any process at its first write.
`sender` is the declared class, `schema` its name, `index` the engine's uid; `changes` are the names of what is
different (fields, settings, `document_id`, what decides the documents), `remedies` the cheapest actions that fix it
(`settings_apply`, `backfill`, `reindex`), `commands` their command lines, to be put behind `scrypath-celery -A APP`.
"""
