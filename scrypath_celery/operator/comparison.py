"""One look at some ids on both sides: what the database says their documents are, and what the index holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from ..declaration.schema import Schema
from ..errors import EngineError
from ..runtime import Runtime

IGNORED = frozenset({"_vectors"})
"""What others may write into documents."""


class Kind(StrEnum):
    """How a document differs: it is not in the index, is another one there, has no record, or cannot be projected."""

    MISSING = "missing"
    STALE = "stale"
    GHOST = "ghost"
    UNPROJECTABLE = "unprojectable"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One id that differs. `mark` is equal for two looks that saw the same; `fields` are those that differ."""

    kind: Kind
    mark: int
    fields: tuple[str, ...] = ()


def compare(runtime: Runtime, schema: Schema, index: str, ids: Sequence[str]) -> dict[str, Finding]:
    """The ids that differ now, and how.

    Raises:
        SourceError: the database could not be read. EngineError: the engine could not be asked.
    """
    held = {str(document.get(schema.key)): document for document in documents(runtime, index, ids)}
    reading = runtime.source.read(schema, ids)
    found: dict[str, Finding] = {}
    for id in ids:
        body, document = reading.documents.get(id), held.get(id)
        if id in reading.failures:
            found[id] = Finding(kind=Kind.UNPROJECTABLE, mark=0)
        elif body is None and document is not None:
            found[id] = Finding(kind=Kind.GHOST, mark=_mark(None, document))
        elif body is not None and document is None:
            found[id] = Finding(kind=Kind.MISSING, mark=_mark(body, None))
        elif body is not None and document is not None:
            fields = differing_fields(orjson.loads(body), document)
            if fields:
                found[id] = Finding(kind=Kind.STALE, mark=_mark(body, document), fields=fields)
    return found


def documents(runtime: Runtime, index: str, ids: Sequence[str]) -> list[Any]:
    """The documents of these ids that the index holds; none where there is no index."""
    try:
        return runtime.engine.documents(index, ids)
    except EngineError as exc:
        if exc.engine_code == "index_not_found":
            return []
        raise


def differing_fields(wanted: Mapping[str, Any], held: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields whose values are not the same; a number is the same with and without a fraction of zero."""
    names = (wanted.keys() | held.keys()) - IGNORED
    absent = object()
    return tuple(sorted(name for name in names if not _same(wanted.get(name, absent), held.get(name, absent))))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _mark(body: bytes | None, document: Any) -> int:
    return hash((body, orjson.dumps(document, option=orjson.OPT_SORT_KEYS)))
