"""Writes are captured for every generation of the indexes that the options name, whichever this process works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..declaration.fan_out import Route
from ..declaration.registry import Schemas
from ..runtime import Runtime
from ..work import Mode
from .registration import Registration
from .result import SyncResult


def in_all_generations(runtime: Runtime, items: Sequence[Registration]) -> list[Registration]:
    """These registrations, and the same for the other generations, whose own workers run them.

    The results of the calls say nothing of those.
    """
    found = list(items)
    for other in runtime.options.other_generations:
        found += [_in(runtime, item, other) for item in items]
    return found


def _in(runtime: Runtime, item: Registration, generation: int) -> Registration:
    schemas = runtime.schemas
    return replace(
        item,
        schema=schemas.in_generation(item.schema, generation),
        route=_routed(schemas, item.route, generation),
        refers=_routed(schemas, item.refers, generation),
        ids=dict(item.ids),
        result=SyncResult(mode=Mode.CELERY, document_count=item.result.document_count, ledger=runtime.ledger),
        is_ours=False,
    )


def _routed(schemas: Schemas, route: Route | None, generation: int) -> Route | None:
    return None if route is None else replace(route, target=schemas.in_generation(route.target, generation))
