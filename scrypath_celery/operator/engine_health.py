"""The health of the engine as a whole: its version, its queue of tasks, and the room on its disk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ..engine.versions import is_new_enough, is_tested
from ..errors import EngineError
from ..runtime import Runtime
from .probe import Probe

USED, ROOM = "meilisearch_task_queue_used_size", "meilisearch_task_queue_size_until_stop_registering"
"""Metrics by which the fill of the task database is known, where the engine has them."""


@dataclass(frozen=True, kw_only=True)
class EngineHealth:
    """One engine; what the key may not ask, or the engine does not tell, is None. Times are seconds, sizes bytes.

    `backlog` are tasks that are not over (of the indexes that the key may see), `oldest_age` is how long the oldest of
    them has waited, `unmoved` for how long none has ended or begun meanwhile, by this host's clock.
    `task_database_fill` is the share of the task database at which the engine refuses all writes: 1 is full.
    """

    version: str | None = None
    new_enough: bool | None = None
    tested: bool | None = None
    backlog: int | None = None
    oldest_age: float | None = None
    unmoved: float | None = None
    disk_bytes: int | None = None
    disk_used_bytes: int | None = None
    task_database_fill: float | None = None
    unknown: str | None = None


def engine_health(runtime: Runtime, looking: Probe) -> EngineHealth:
    """How the engine is; where it does not answer `unknown` says why."""
    engine = runtime.engine
    backlog = looking.apart().ask(engine.backlog)
    if looking.down is not None:
        return EngineHealth(unknown=looking.down)
    version = looking.apart().ask(engine.version)
    count, oldest = backlog if backlog is not None else (None, None)
    waited = _age(oldest.enqueued_at) if oldest is not None else None
    moved = looking.apart().ask(engine.last_move) if waited is not None else None
    sizes = looking.apart().ask(engine.sizes)
    return EngineHealth(
        version=version,
        new_enough=None if version is None else is_new_enough(version),
        tested=None if version is None else is_tested(version),
        backlog=count,
        oldest_age=waited,
        unmoved=None if waited is None else min([waited, *([] if moved is None else [_age(moved) or 0.0])]),
        disk_bytes=None if sizes is None else sizes[0],
        disk_used_bytes=None if sizes is None else sizes[1],
        task_database_fill=looking.apart().ask(lambda: _fill(runtime)),
        unknown=looking.down,
    )


def fill(metrics: dict[str, float]) -> float | None:
    """The share of the task database that is in use, of what the engine allows; None where it does not tell."""
    used, room = metrics.get(USED), metrics.get(ROOM)
    if used is None or room is None or used + room <= 0:
        return None
    return used / (used + room)


def _fill(runtime: Runtime) -> float | None:
    try:
        return fill(runtime.engine.metrics())
    except EngineError:  # an experimental feature that is off, or a right that few keys have
        return None


def _age(date: str | None) -> float | None:
    """Seconds since a date of the engine's; none is in the future, whatever its clock."""
    if date is None:
        return None
    return max((datetime.now(UTC) - datetime.fromisoformat(date)).total_seconds(), 0.0)
