"""The shapes of the engine's answers: each function takes what was answered and gives what it means.

They raise LookupError, TypeError, ValueError or AttributeError for JSON of another shape; the transport turns that
into `UnexpectedAnswer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..work import EngineTask

WRONG_SHAPE = (LookupError, TypeError, ValueError, AttributeError)
"""What these functions raise for an answer of another shape."""


def mapping(answer: Any) -> dict[str, Any]:
    """An object."""
    if not isinstance(answer, dict):
        raise TypeError("not an object")
    return answer


def results(answer: Any) -> list[dict[str, Any]]:
    """The items of a list."""
    found = answer["results"]
    if not isinstance(found, list):
        raise TypeError("not a list")
    return [mapping(item) for item in found]


def total(answer: Any) -> int:
    """How many items there are in all."""
    return whole(answer["total"])


def registered(answer: Any) -> tuple[int, str | None]:
    """The uid of a task that was registered, and the metadata that it bears."""
    return whole(answer["taskUid"]), answer.get("customMetadata")


def hits(answer: Any) -> dict[str, Any]:
    """The answer to a search."""
    if not isinstance(answer["hits"], list):
        raise TypeError("not a list")
    return mapping(answer)


def stats(answer: Any) -> dict[str, Any]:
    """The statistics of an index."""
    whole(answer["numberOfDocuments"])
    return mapping(answer)


def index(answer: Any) -> dict[str, Any]:
    """What is known of an index."""
    if not isinstance(answer["uid"], str) or "primaryKey" not in answer or "createdAt" not in answer:
        raise TypeError("not an index")
    return mapping(answer)


def version(answer: Any) -> str:
    """The engine's version."""
    found = answer["pkgVersion"]
    if not isinstance(found, str):
        raise TypeError("not a version")
    return found


def tasks(answer: Any) -> list[EngineTask]:
    """A list of tasks."""
    return [task(item) for item in results(answer)]


def task(item: Mapping[str, Any]) -> EngineTask:
    """One task."""
    return EngineTask(
        uid=whole(item["uid"]),
        status=str(item["status"]),
        type=str(item["type"]),
        index_uid=item.get("indexUid"),
        batch_uid=item.get("batchUid"),
        error=None if item.get("error") is None else mapping(item["error"]),
        metadata=item.get("customMetadata"),
        finished_at=item.get("finishedAt"),
        enqueued_at=item.get("enqueuedAt"),
        details=item.get("details") or {},
    )


def batches(answer: Any) -> list[tuple[int, float]]:
    """Of each batch that is over: how many documents it received, and the seconds that it took."""
    return [_speed(batch) for batch in results(answer) if batch["finishedAt"]]


def backlog(answer: Any) -> tuple[int, EngineTask | None]:
    """How many tasks a list has in all, and the first of them."""
    found = tasks(answer)
    return total(answer), found[0] if found else None


def last_move(answer: Any) -> str | None:
    """When the newest batch of a list ended, or began where it is not over; None without one."""
    found = results(answer)
    return None if not found else str(found[0].get("finishedAt") or found[0]["startedAt"])


def sizes(answer: Any) -> tuple[int, int | None]:
    """Bytes that the engine takes on its disk, and how many of them are in use."""
    used = answer.get("usedDatabaseSize")
    return whole(answer["databaseSize"]), None if used is None else whole(used)


def whole(value: Any) -> int:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not a whole number")
    return value


def _speed(batch: Mapping[str, Any]) -> tuple[int, float]:
    began, ended = (datetime.fromisoformat(batch[name]) for name in ("startedAt", "finishedAt"))
    return int(batch["details"].get("receivedDocuments") or 0), (ended - began).total_seconds()
