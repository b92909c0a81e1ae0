"""One document on its way: the record now, the document in the index now, and its newest works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..declaration.schema import Schema
from ..ledger import overview
from ..runtime import Runtime
from ..work import OPEN, Operation, ReasonClass, State, Work
from .display_name import display_name
from .probe import Probe
from .serialization import one_line, to_datetime

NEWEST = 20
"""How many of the works of a document are shown."""


@dataclass(frozen=True, kw_only=True)
class WorkOfDocument:
    """One work that names the document."""

    id: int
    operation: Operation
    state: State
    created_at: datetime | None
    finished_at: datetime | None
    engine_uids: tuple[int, ...]
    reason_class: ReasonClass | None
    reason: str | None


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a document is on both sides now. `agree` is None where one side is unknown: `*_unknown` then says why.

    `projected` is the document that the record gives now (None: no record, or one that is not to be indexed),
    `indexed` what the index holds, `failure` why the record cannot be projected.
    """

    schema: str
    index: str
    id: str
    projected: Mapping[str, Any] | None
    indexed: Mapping[str, Any] | None
    agree: bool | None
    failure: str | None
    works: tuple[WorkOfDocument, ...]
    record_unknown: str | None = None
    index_unknown: str | None = None
    works_unknown: str | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why parts could not be read."""
        reasons = (self.record_unknown, self.index_unknown, self.works_unknown)
        return tuple(reason for reason in reasons if reason is not None)


def trace(runtime: Runtime, schema: Schema, id: str, *, seconds: float | None = None) -> Trace:
    """Follow one document by its id, looking for `seconds` at most; a part that does not answer is unknown."""
    engine, ledger, source = Probe(seconds), Probe(seconds), Probe(None if seconds is None else 0.5 * seconds)
    listed = ledger.ask(lambda: runtime.ledger.read(lambda tx: overview.works_of(tx, schema.uid, id, NEWEST)))
    reading = source.ask_beside(lambda: runtime.source.read(schema, [id]))
    projected = json.loads(reading.documents[id]) if reading is not None and id in reading.documents else None
    failure = reading.failures.get(id) if reading is not None else None
    indexed = engine.ask(lambda: _indexed(runtime, schema, id))
    unsure = source.reason is not None or engine.reason is not None or failure is not None
    return Trace(
        schema=display_name(runtime.schemas, schema),
        index=runtime.uid_of(schema),
        id=id,
        projected=projected,
        indexed=indexed,
        agree=None if unsure else projected == indexed,
        failure=one_line(failure.reason) if failure is not None else None,
        works=tuple(_work_of(item) for item in listed or ()),
        record_unknown=source.reason,
        index_unknown=engine.reason,
        works_unknown=ledger.reason,
    )


def _indexed(runtime: Runtime, schema: Schema, id: str) -> Mapping[str, Any] | None:
    index = runtime.uid_of(schema)
    if runtime.engine.index(index) is None:
        return None
    found = runtime.engine.documents(index, [id])
    return found[0] if found else None


def _work_of(item: Work) -> WorkOfDocument:
    return WorkOfDocument(
        id=item.id,
        operation=item.operation,
        state=item.state,
        created_at=to_datetime(item.created_at),
        finished_at=to_datetime(item.finished_at) if item.state not in OPEN else None,
        engine_uids=item.engine_uids,
        reason_class=item.reason_class,
        reason=one_line(item.reason) or None,
    )
