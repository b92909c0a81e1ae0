"""What a message of ours says, to the worker that runs it and to whoever looks at Celery: ids and counts only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from ..declaration.registry import Schemas
from ..errors import NotUnderstood
from ..work import Cause

SYNC, RELAY = "scrypath.sync", "scrypath.relay"


def to_queue(name: str) -> dict[str, Any]:
    """The options of a message that goes to this queue and nowhere else.

    Celery merges what a route of the host names (`exchange`, `routing_key`, `serializer`) into options that lack it,
    also where they have a `queue`. The default exchange leads to the queue of the routing key's name on any broker.
    """
    return {"queue": name, "exchange": "", "routing_key": name, "serializer": "json"}


def named(schemas: Schemas, index: str) -> str:
    """The name of the schema of an index (unprefixed uid), or the uid where none declares it here."""
    schema = schemas.by_uid(index)
    return index if schema is None else schema.name


def options(name: str, ids: Sequence[int], cause: Cause, documents: int | None) -> dict[str, Any]:
    """The options by which a message shows itself: `Post: 12 documents, works 601-612`, and every id to search for.

    `name` is the schema's, `documents` how many the works hold (None: not known).
    """
    return {
        "argsrepr": shown(name, ids, documents),
        "kwargsrepr": repr({"operation": cause.value, "works": labels(ids)}),
    }


def shown(name: str, ids: Sequence[int], documents: int | None) -> str:
    """`Post: 12 documents, works 601-612`."""
    works = [id for id in ids if id > 0]
    if not works:
        return f"{name}: a rebuild goes on"
    counted = "" if documents is None else f"{documents} document{'' if documents == 1 else 's'}, "
    return f"{name}: {counted}work{'' if len(works) == 1 else 's'} {ranges(works)}"


def ranges(ids: Iterable[int]) -> str:
    """`601-612, 640`: ids in order, those that follow each other as one range."""
    ordered = sorted(set(ids))
    if not ordered:
        return ""
    ends = [0, *(at + 1 for at, (one, next) in enumerate(pairwise(ordered)) if next != one + 1), len(ordered)]
    parts = [ordered[start:end] for start, end in pairwise(ends)]
    return ", ".join(str(part[0]) if len(part) == 1 else f"{part[0]}-{part[-1]}" for part in parts)


def labels(ids: Iterable[int], limit: int | None = None) -> str:
    """`id=601 id=602`: the ids as monitors are searched for them, which take no word of less than three letters."""
    ordered = sorted({id for id in ids if id > 0})
    some = ordered[:limit]
    rest = len(ordered) - len(some)
    return " ".join(f"id={id}" for id in some) + (f" and {rest} more" if rest else "")


def understood(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, list[int], Cause]:
    """Index, work ids and cause of a message.

    Raises:
        NotUnderstood: it is of another release.
    """
    operation = kwargs.get("operation", Cause.SYNC.value)
    match args:
        case (str() as index, list() as ids) if all(isinstance(id, int) for id in ids):
            if kwargs.keys() <= {"operation"} and operation in list(Cause):
                return index, ids, Cause(operation)
    raise NotUnderstood(
        f"a message of another release for {SYNC}: this one takes the uid of an index, a list of work ids and what they"
        " were written for; the works stay in the ledger and are published again"
    )
