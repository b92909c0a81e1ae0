"""The target: made under a name that was never used, its settings applied and read back before the first document."""

from __future__ import annotations

from ..convergence.live_settings import differing
from ..errors import EngineError
from .cutover import settled
from .fill import ranges_of
from .held import Held
from .phases import Phase


def create(held: Held) -> None:
    """Make the target with its key and settings, and part the records into ranges.

    Doing it again after a crash changes nothing: the name is this rebuild's alone.

    Raises:
        EngineError: the engine did not take what is declared, or does not answer.
    """
    engine, schema, runtime = held.runtime.engine, held.schema, held.runtime
    declared = schema.declared_settings()
    made_by = engine.create(held.target, schema.key)
    applied_by = engine.apply(held.target, declared) if declared else None
    ranges, total = ranges_of(held), runtime.source.count(schema)  # read while the engine works
    settled(runtime, made_by, missing="index_already_exists")
    if applied_by is not None:
        settled(runtime, applied_by)
    wrong = differing(runtime, declared, engine.settings(held.target) or {})
    if wrong:
        raise EngineError(f"the engine did not take these settings of {schema.name} as declared: {', '.join(wrong)}")
    made = engine.index(held.target)
    if made is None:
        raise EngineError(f"the index {held.target} is not there after its creation")
    held.save(
        phase=Phase.FILL,
        target_created=made["createdAt"],
        target_uid=made_by,
        ranges=ranges,
        counts={**held.row.counts, "total": total},
    )
