"""Signals that an application can listen to, of the same kind as Celery's own.

    from scrypath_celery.signals import dead_lettered

    @dead_lettered.connect
    def tell_the_team(sender, schema, reason_class, code, works, **kwargs): ...

They are sent in the process where it happened, after the commit, one after the other: a receiver that takes long holds
up what comes next. What a receiver raises is logged and hurts nobody. Receivers are kept by weak references, unless
`weak=False`; they take `**kwargs`, since a later release may say more.

`sender` is the declared class (None where this process declares none for the index), `schema` its name, `index` the
engine's uid. `works` are ids of works, the first hundred of `count`. No payload holds a document, the id of one, or the
text of an error.
"""

from __future__ import annotations

from celery.utils.dispatch import Signal

__all__ = [
    "claimed",
    "contract_drift",
    "dead_lettered",
    "drift_found",
    "index_paused",
    "index_resumed",
    "rebuild_finished",
    "rebuild_progress",
    "settled",
    "work_enqueued",
]

_INDEX = {"schema", "index"}
_WORKS = {*_INDEX, "works", "count", "documents"}

work_enqueued = Signal(name="work_enqueued", providing_args={*_WORKS, "operation"})
"""Works were written, and are committed.

`operation` is `upsert`, `delete`, `backfill`, `reindex` or `fan_out`; `documents` is how many ids they hold. Works that
triggers of the database write are not told.
"""

claimed = Signal(name="claimed", providing_args={*_WORKS, "operation", "number"})
"""A process claimed works. `number` is the claim's, in the order of claims of the index."""

settled = Signal(
    name="settled",
    providing_args={*_WORKS, "operation", "succeeded", "submitted", "retrying", "failed", "classes", "seconds"},
)
"""A claim was settled, or works of it that were left to the engine.

`succeeded`, `submitted` (the engine has them, their end is told later), `retrying` and `failed` are how many works
ended so, `classes` how many of the last two have which reason class, `seconds` how long ago the claim began.
"""

dead_lettered = Signal(name="dead_lettered", providing_args={*_WORKS, "reason_class", "code"})
"""Works became dead letters; once for each reason class and code of those that were settled together.

`code` is the error code, empty where there is none.
"""

index_paused = Signal(name="index_paused", providing_args={*_INDEX, "by_hand", "reason_class", "scope", "seconds"})
"""Nothing of an index is tried for a time: its engine, database or key does not work, or an operator says so.

Sent when a pause begins, or its reason class changes, not with each probe that fails. `seconds` is the time until the
first probe, `scope` what does not work (`index`, `engine`, `database`). Where an operator paused it (`by_hand`), both
and `reason_class` are None.
"""

index_resumed = Signal(name="index_resumed", providing_args={*_INDEX, "by_hand", "seconds"})
"""A pause ended, after `seconds`."""

rebuild_progress = Signal(
    name="rebuild_progress",
    providing_args={*_INDEX, "rebuild", "operation", "phase", "documents", "total", "blocked", "phase_began"},
)
"""A rebuild went on. `documents` of `total` (None: not known) are filled; `phase_began` says that the phase is new.

`blocked` are the codes for which a cut-over was refused just now; it waits for an operator then.
"""

rebuild_finished = Signal(
    name="rebuild_finished", providing_args={*_INDEX, "rebuild", "operation", "outcome", "documents", "seconds"}
)
"""A rebuild is over: `outcome` is `done`, `aborted`, `abandoned` (given up for a new start) or `expired`."""

drift_found = Signal(name="drift_found", providing_args={*_INDEX, "found_by", "kinds", "counts"})
"""Database and index differ, as `found_by` found: `verify`, `reconcile`, or `engine` (it was restored or replaced).

`kinds` are names of what differs (`missing`, `stale`, `ghost`, `count_mismatch`, `contract_drift`, `index_missing`,
`engine_restored` ...), `counts` how many documents, where they were counted.
"""

contract_drift = Signal(name="contract_drift", providing_args={*_INDEX, "changes", "remedies", "commands"})
"""A declaration is another one than its index was made with (a deployment changed it, and nothing was applied yet).

Sent once in a process for each index: by a worker when it starts, and by any process at its first write.
`changes` are the names of what is different (fields, settings, `document_id`, what decides the documents), `remedies`
the cheapest actions that fix it (`settings_apply`, `backfill`, `reindex`), `commands` their command lines, to be put
behind `scrypath-celery -A APP`.
"""
