"""Events of ours beside Celery's own, for whoever watches: `task-dead-lettered` and `task-progress`.

Both name a task (`uuid`), and say in `result` in one line what monitors such as Flower then show and search. They hold
ids, counts and reason classes only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..declaration.registry import Schemas
from ..notices import DeadLetter
from .messages import SYNC, named, ranges
from .publisher import Event

DEAD_LETTERED, PROGRESS = "task-dead-lettered", "task-progress"
MEANING = {
    DEAD_LETTERED: "works of a task became dead letters: `index`, `works`, `classes`, `codes`, and a line in `result`",
    PROGRESS: "how far a task is that takes longer: `index`, `done`, `total` (null: not known), and a line in `result`",
}
"""Each event of ours, and what it says."""
SHOWN = 50
"""Works that one event names."""


def dead_lettered(schemas: Schemas, found: Sequence[DeadLetter]) -> list[Event]:
    """An event for each task whose works are dead letters now, by index.

    A task that another process gave up can say nothing itself: for it Celery's own `task-failed` is sent, too. Works
    that no task ever ran are told under an id of their own, `scrypath-work-601`.
    """
    groups: dict[tuple[str, str], list[DeadLetter]] = {}
    for one in found:
        groups.setdefault((one.index_uid, one.task_id or f"scrypath-work-{one.id}"), []).append(one)
    events: list[Event] = []
    for (index, uuid), works in groups.items():
        said = _said(schemas, index, works)
        events.append(Event(type=DEAD_LETTERED, fields={"uuid": uuid, **said}))
        if not all(one.told_by_task for one in works):
            failed = {"uuid": uuid, "exception": f"DeadLettered({said['result']!r})", "traceback": ""}
            events.append(Event(type="task-failed", fields=failed))
    return events


def _said(schemas: Schemas, index: str, works: Sequence[DeadLetter]) -> dict[str, Any]:
    name, ids = named(schemas, index), [one.id for one in works]
    shown = ", ".join(f"id={one.id} {one.reason_class.value}" for one in works[:SHOWN])
    more = f" and {len(works) - SHOWN} more" if len(works) > SHOWN else ""
    said: dict[str, Any] = {
        "index": index,
        "works": ids,
        "classes": dict(Counter(one.reason_class.value for one in works)),
        "codes": dict(Counter(one.code for one in works if one.code)),
        "result": f"{name}: {len(works)} failed works: {shown}{more}",
    }
    if any(one.task_id is None for one in works):  # monitors have never heard of it
        documents = sum(one.documents for one in works)
        said |= {"name": SYNC, "args": f"{name}: {documents} documents, works {ranges(ids)}", "kwargs": "{}"}
    return said


def progress(uuid: str, index: str, text: str, done: int, total: int | None) -> Event:
    """An event of how far a long task is."""
    return Event(type=PROGRESS, fields={"uuid": uuid, "index": index, "done": done, "total": total, "result": text})
