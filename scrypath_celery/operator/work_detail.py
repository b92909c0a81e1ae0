"""The whole story of one work: its states, times, worker, engine tasks and reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ..declaration.schema import Schema
from ..errors import SourceError
from ..ledger import overview, works
from ..runtime import Runtime
from ..work import OPEN, Mode, Operation, ReasonClass, State, Work
from .display_name import display_name
from .serialization import one_line, to_datetime


@dataclass(frozen=True, kw_only=True)
class ClaimStory:
    """The claim that a work was last in: its number, state, worker and lease, and requests without an answer."""

    number: int
    state: str
    worker: str | None
    lease_until: datetime | None
    unanswered: int
    watched_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Story:
    """All that the ledger knows of one work.

    `history` holds its newest fifty events, oldest first, `by` being who retried or cancelled it; `task_ids` are the
    Celery tasks that had it, the last one in `task_id` too; `claim` is None once its claim is over and forgotten.
    `fan_out` names the fan-out that a work of that operation follows: its document ids are those of the owners.
    `trace_id` is the trace of OpenTelemetry that it was written in, where the application traced.
    `read_as` says how its documents are read: as `columns`, or as `records` where the model's code has a part in them.
    """

    id: int
    schema: str | None
    index: str
    operation: Operation
    mode: Mode
    state: State
    documents: int
    read_as: str | None
    document_ids: tuple[str, ...]
    attempts: int
    claims: int
    created_at: datetime | None
    publish_after: datetime | None
    available_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    task_id: str | None
    task_ids: tuple[str, ...]
    engine_uids: tuple[int, ...]
    claim_number: int | None
    reason_class: ReasonClass | None
    reason: str | None
    error_code: str | None
    history: tuple[Mapping[str, Any], ...]
    fan_out: str | None = None
    trace_id: str | None = None
    claim: ClaimStory | None = None


def story(runtime: Runtime, id: int) -> Story:
    """The story of one work.

    Raises:
        WorkError: there is none. LedgerError: the ledger cannot be read.
    """
    item, claim = runtime.ledger.read(lambda tx: _read(tx, id))
    schema = runtime.schemas.by_uid(item.index_uid)
    return Story(
        id=item.id,
        schema=display_name(runtime.schemas, schema) if schema is not None else None,
        index=runtime.engine_uid(item.index_uid),
        operation=item.operation,
        mode=item.mode,
        state=item.state,
        documents=item.documents,
        read_as=_read_as(runtime, schema) if schema is not None else None,
        document_ids=item.left,
        attempts=item.attempts,
        claims=item.claims,
        created_at=to_datetime(item.created_at),
        publish_after=to_datetime(item.publish_after),
        available_at=to_datetime(item.available_at),
        started_at=to_datetime(item.started_at),
        finished_at=to_datetime(item.finished_at) if item.state not in OPEN else None,
        worker=item.worker,
        task_id=item.task_id,
        task_ids=_task_ids(item),
        engine_uids=item.engine_uids,
        claim_number=item.claim_number,
        reason_class=item.reason_class,
        reason=one_line(item.reason) or None,
        error_code=item.error_code,
        history=tuple({**event, **_dates(event)} for event in item.history),
        fan_out=item.fan_out,
        trace_id=item.trace_id,
        claim=claim,
    )


def _dates(event: Mapping[str, Any]) -> dict[str, datetime | None]:
    """The times in an event of a work's history: when it was, and for what is for later, when that is due."""
    due = {"due": to_datetime(event["due"])} if "due" in event else {}
    return {"at": to_datetime(event.get("at")), **due}


def _task_ids(item: Work) -> tuple[str, ...]:
    """The Celery tasks that had the work, as far as its history goes back, the last one last."""
    had = [event.get("task") for event in item.history] + [item.task_id]
    return tuple(dict.fromkeys(str(id) for id in had if id))


def _read_as(runtime: Runtime, schema: Schema) -> str | None:
    """How documents of a schema are read; None where its database cannot be asked for a session."""
    try:
        return "columns" if runtime.source.by_columns(schema) else "records"
    except SourceError:
        return None


def _read(connection: Connection, id: int) -> tuple[Work, ClaimStory | None]:
    item = works.get(connection, id)
    row = overview.claim_of(connection, item.claim_token) if item.claim_token is not None else None
    if row is None:
        return item, None
    return item, ClaimStory(
        number=row.number,
        state=row.state,
        worker=row.worker,
        lease_until=to_datetime(row.lease_until),
        unanswered=row.unanswered,
        watched_until=to_datetime(row.watch_until),
    )
