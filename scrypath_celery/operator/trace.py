"""One document on its way: the record now, the document in the index now, and the works that touched it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ledger import overview
from ..runtime import Runtime
from ..schema import Schema
from ..work import Operation, ReasonClass, State, Work
from .answer import moment, one_line
from .looking import Looking
from .status import called

NEWEST = 20
"""How many of the works that touched a document are shown."""


@dataclass(frozen=True, kw_only=True)
class Touch:
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
    touches: tuple[Touch, ...]
    record_unknown: str | None = None
    index_unknown: str | None = None
    works_unknown: str | None = None

    @property
    def unknown(self) -> tuple[str, ...]:
        """Why parts could not be read."""
        reasons = (self.record_unknown, self.index_unknown, self.works_unknown)
        return tuple(reason for reason in reasons if reason is not None)


def trace(runtime: Runtime, schema: Schema, id: str) -> Trace:
    """Follow one document by its id; a part that does not answer is unknown."""
    engine, ledger, source = Looking(), Looking(), Looking()
    touching = ledger.ask(lambda: runtime.ledger.look(lambda tx: overview.touching(tx, schema.uid, id, NEWEST)))
    reading = source.ask(lambda: runtime.source.read(schema, [id]))
    projected = json.loads(reading.documents[id]) if reading is not None and id in reading.documents else None
    failure = reading.failures.get(id) if reading is not None else None
    indexed = engine.ask(lambda: _indexed(runtime, schema, id))
    unsure = source.reason is not None or engine.reason is not None or failure is not None
    return Trace(
        schema=called(runtime.schemas, schema),
        index=runtime.uid_of(schema),
        id=id,
        projected=projected,
        indexed=indexed,
        agree=None if unsure else projected == indexed,
        failure=one_line(failure.reason) if failure is not None else None,
        touches=tuple(_touch(item) for item in touching or ()),
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


def _touch(item: Work) -> Touch:
    return Touch(
        id=item.id,
        operation=item.operation,
        state=item.state,
        created_at=moment(item.created_at),
        finished_at=moment(item.finished_at),
        engine_uids=item.engine_uids,
        reason_class=item.reason_class,
        reason=one_line(item.reason) or None,
    )
