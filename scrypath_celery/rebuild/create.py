"""The target: made under a name that was never used, and given its settings before the first document.

The engine takes the tasks of an index in their order. So documents are sent right behind the settings, and that these
were taken as declared is seen while documents are indexed: an idle engine would be waited for twice.
"""

from __future__ import annotations

from ..convergence.live_settings import differing
from ..errors import EngineError
from .cutover import task_error
from .fill import ranges_of
from .held import Held
from .phases import Phase

MAKING = ("indexCreation", "settingsUpdate")
"""Types of the tasks that make a target."""


def create(held: Held) -> None:
    """Ask for the target with its key and settings, and part the records into ranges.

    Doing it again after a crash, or where the engine refused it, changes nothing: the name is this rebuild's alone.

    Raises:
        EngineError: the engine does not answer. SourceError: the database does not.
    """
    engine, schema, runtime = held.runtime.engine, held.schema, held.runtime
    declared = schema.declared_settings()
    made_by = engine.create(held.target, schema.key)
    if declared:
        engine.apply(held.target, declared)
    ranges, total = held.row.ranges or ranges_of(held), runtime.source.count(schema)
    held.save(phase=Phase.FILL, target_uid=made_by, ranges=ranges, counts={**held.row.counts, "total": total})


def confirm(held: Held) -> bool:
    """See that the target is there and has the declared settings, and note it; whether that is seen by now.

    Raises:
        EngineError: the engine did not take what is declared (the rebuild then stands before the creation again), or
            does not answer.
        RebuildError: another process took the rebuild over.
    """
    if held.row.target_created is not None:
        return True
    engine, schema = held.runtime.engine, held.schema
    tasks = list(engine.tasks_of(held.target, types=MAKING))
    if not all(task.terminal for task in tasks):
        return False
    made = engine.index(held.target)
    wrong = differing(held.runtime, schema.declared_settings(), engine.settings(held.target) or {})
    if made is not None and not wrong:
        held.save(target_created=made["createdAt"])
        return True
    held.save(phase=Phase.CREATE)
    newest = tasks[0] if tasks else None
    if newest is not None and newest.status != "succeeded":
        raise task_error(newest)
    if made is None:
        raise EngineError(f"the index {held.target} is not there after its creation")
    raise EngineError(f"the engine did not take these settings of {schema.name} as declared: {', '.join(wrong)}")
