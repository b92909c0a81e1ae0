"""What in a status needs somebody's attention: stable codes, each with its text and what to do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from ..convergence.destinations import Elsewhere
from ..declaration.changes import Remedy
from ..engine.versions import NEEDED_TEXT
from ..ledger.triggers.trigger import TriggerState
from ..rebuild.phases import Phase
from ..rebuild.report import restoring
from ..work import Mode
from .recommendations import PAUSES
from .status import Contract, IndexStatus, KnownWorker, Status

MAX_AGE = 300.0
"""Seconds for which due work, or a task of the engine, may wait before it needs attention."""
FULL = 0.8
"""The share of the task database in use that needs attention: at 1 the engine refuses all writes."""


class Code(StrEnum):
    """Why something needs attention."""

    PAUSED = "paused"
    PAUSED_BY_HAND = "paused_by_hand"
    DEAD_LETTERS = "dead_letters"
    INDEX_MISSING = "index_missing"
    ENGINE_RESTORED = "engine_restored"
    REBUILD_UNFINISHED = "rebuild_unfinished"
    SETTINGS_DRIFT = "settings_drift"
    CONTRACT_DRIFT = "contract_drift"
    WORK_OVERDUE = "work_overdue"
    WORKS_HANG = "works_hang"
    NO_WORKER = "no_worker"
    WORKERS_UNKNOWN = "workers_unknown"
    WORKER_SILENT = "worker_silent"
    SCHEMA_UNKNOWN_TO_WORKERS = "schema_unknown_to_workers"
    INDEX_UNDECLARED = "index_undeclared"
    PUBLISHING_FAILS = "publishing_fails"
    SENT_ELSEWHERE = "sent_elsewhere"
    TRIGGERS_INCOMPLETE = "triggers_incomplete"
    ENGINE_TOO_OLD = "engine_too_old"
    ENGINE_UNTESTED = "engine_untested"
    ENGINE_BACKLOG = "engine_backlog"
    ENGINE_STUCK = "engine_stuck"
    TASK_DATABASE_FULL = "task_database_full"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One thing that needs attention: of a schema, or of the whole where `schema` is None."""

    code: Code
    text: str
    remedy: str
    schema: str | None = None


class Health(StrEnum):
    """What a look came to."""

    HEALTHY = "healthy"
    ATTENTION = "attention"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Check:
    """A status, judged. `unknown` are parts that could not be looked at: then nothing is healthy."""

    health: Health
    reasons: tuple[Reason, ...]
    unknown: tuple[str, ...]


def judge(
    found: Status,
    *,
    max_age: float = MAX_AGE,
    ignore: Collection[str] = (),
    program: str,
    worker: str = "celery worker",
) -> Check:
    """What needs attention in a status.

    `ignore` are codes that do not count, `program` is how commands are called, `worker` how a worker is started.
    """
    reasons = tuple(reason for reason in _reasons(found, max_age, program, worker) if reason.code not in ignore)
    workers_alone = found.broker is not None and found.broker.depth is not None and found.broker.workers is None
    why = found.broker.unknown if workers_alone and found.broker is not None else None
    unknown = tuple(reason for reason in found.unknown if reason != why)
    health = Health.UNKNOWN if unknown else Health.ATTENTION if reasons else Health.HEALTHY
    return Check(health=health, reasons=reasons, unknown=unknown)


def _reasons(found: Status, max_age: float, program: str, worker: str) -> Iterator[Reason]:
    for one in found.indexes:
        for rule in (_pauses, _failed, _engine_content, _rebuild, _drift, _moving, _triggers):
            yield from rule(one, max_age, program)
    yield from _workers(found, program, worker)
    for other in found.elsewhere:
        yield Reason(code=Code.SENT_ELSEWHERE, text=other.text, remedy=remedy_elsewhere(other, program))
    yield from _engine(found, max_age)


Rule = Callable[[IndexStatus, float, str], Iterator[Reason]]


def _pauses(one: IndexStatus, max_age: float, program: str) -> Iterator[Reason]:
    if one.pause_by_hand is not None:
        text = f"paused by {one.pause_by_hand.by}: {one.pause_by_hand.reason}"
        yield Reason(code=Code.PAUSED_BY_HAND, schema=one.schema, text=text, remedy=f"{program} resume {one.schema}")
    if one.pause is not None:
        what = PAUSES.get(one.pause.reason_class, "the index cannot be worked on")
        text = f"{what} ({one.pause.reason_class}: {one.pause.reason})"
        remedy = "fix that; the pause then ends by itself"
        yield Reason(code=Code.PAUSED, schema=one.schema, text=text, remedy=remedy)


def _failed(one: IndexStatus, max_age: float, program: str) -> Iterator[Reason]:
    if one.queue.failed:
        text = f"{one.queue.failed} dead letters"
        yield Reason(code=Code.DEAD_LETTERS, schema=one.schema, text=text, remedy=f"{program} failed {one.schema}")


def _engine_content(one: IndexStatus, max_age: float, program: str) -> Iterator[Reason]:
    if one.engine_lost_since is not None:
        text = "the engine was restored, emptied or replaced: settled work is lost in it"
        goes_on = restoring(one.rebuild, one.engine_lost_since)
        remedy = f"{program} {goes_on or 'reindex'} {one.schema}"
        if goes_on is not None:
            text, remedy = f"{text}, and is being brought back", f"wait, or go on with it: {remedy}"
        yield Reason(code=Code.ENGINE_RESTORED, schema=one.schema, text=text, remedy=remedy)
    elif one.contract is Contract.MISSING and one.made and not one.queue.open and one.queue.unknown is None:
        text = f"the index {one.index} was made and is gone"
        yield Reason(code=Code.INDEX_MISSING, schema=one.schema, text=text, remedy=f"{program} backfill {one.schema}")


def _rebuild(one: IndexStatus, max_age: float, program: str) -> Iterator[Reason]:
    rebuild = one.rebuild
    if rebuild is None or rebuild.phase is Phase.KEPT:
        return
    waits = f", blocked by {', '.join(rebuild.blocked_by)}" if rebuild.blocked_by else ""
    text = f"{rebuild.operation} {rebuild.id} is in the phase {rebuild.phase}{waits}"
    remedy = f"{program} {'backfill' if rebuild.target is None else 'reindex'} {one.schema}"
    yield Reason(code=Code.REBUILD_UNFINISHED, schema=one.schema, text=text, remedy=remedy)


def _drift(one: IndexStatus, max_age: float, program: str) -> Iterator[Reason]:
    shown = ", ".join(one.drifting[:8]) + (", ..." if len(one.drifting) > 8 else "")
    if Remedy.SETTINGS_APPLY in one.remedies:
        text, remedy = f"settings differ from what is declared: {shown}", f"{program} settings apply {one.schema}"
        yield Reason(code=Code.SETTINGS_DRIFT, schema=one.schema, text=text, remedy=remedy)
    other = [remedy for remedy in one.remedies if remedy is not Remedy.SETTINGS_APPLY]
    if other:
        text, remedy = f"the index is not what is declared: {shown}", f"{program} {other[0]} {one.schema}"
        yield Reason(code=Code.CONTRACT_DRIFT, schema=one.schema, text=text, remedy=remedy)


def _moving(one: IndexStatus, max_age: float, program: str) -> Iterator[Reason]:
    due = one.queue.oldest_due_age
    if due is not None and due > max_age and one.pause is None and one.pause_by_hand is None:
        text = f"work has been due for {due:.0f} s (allowed: {max_age:g} s)"
        remedy = f"see that workers and engine keep up: {program} status {one.schema}"
        yield Reason(code=Code.WORK_OVERDUE, schema=one.schema, text=text, remedy=remedy)
    for stuck in one.hanging:
        text = f"the projection of document {stuck.document_id} hangs since {stuck.seconds:.0f} s in {stuck.worker}"
        remedy = f"{program} work show {stuck.work_id}" if stuck.work_id is not None else "see what its projection does"
        yield Reason(code=Code.WORKS_HANG, schema=one.schema, text=text, remedy=remedy)


def _triggers(one: IndexStatus, max_age: float, program: str) -> Iterator[Reason]:
    wrong = [f"{table.table}={table.state}" for table in one.triggers if table.state is not TriggerState.INSTALLED]
    if wrong:
        text = f"writes may be missed by its triggers: {', '.join(wrong)}"
        remedy = f"{program} ledger triggers install {one.schema}"
        yield Reason(code=Code.TRIGGERS_INCOMPLETE, schema=one.schema, text=text, remedy=remedy)


def _workers(found: Status, program: str, worker: str) -> Iterator[Reason]:
    broker = found.broker
    if broker is None:
        return
    start = f"start one: {worker} -Q {broker.queue}"
    celery = any(one.mode == Mode.CELERY or one.queue.open for one in found.indexes)
    if broker.depth is not None and broker.workers is None:
        text = f"the workers could not be asked ({broker.unknown})"
        yield Reason(code=Code.WORKERS_UNKNOWN, text=text, remedy=f"see to the broker, then {program} status")
    if broker.consumed is False and celery:
        text = f"no worker that answered consumes the queue {broker.queue}"
        yield Reason(code=Code.NO_WORKER, text=text, remedy=start)
    for one in found.workers:
        if one.answers is False:
            yield _silent(one)
    for index in found.indexes:
        if index.known_to_workers is False and index.queue.open:
            text = f"{index.queue.open} works are open, and no worker that answered declares the schema"
            remedy = "deploy the workers with this schema"
            yield Reason(code=Code.SCHEMA_UNKNOWN_TO_WORKERS, schema=index.schema, text=text, remedy=remedy)
    for uid, count in found.undeclared.items():
        if broker.knows(uid) is False:
            text = f"{count} works of index {uid} are open, and neither this application nor a worker declares it"
            remedy = f"declare it, or cancel them: {program} work show ID"
            yield Reason(code=Code.INDEX_UNDECLARED, text=text, remedy=remedy)
    if found.publishing is not None:
        text = f"works could not be handed to Celery: {found.publishing}"
        remedy = "see that the application reaches the broker; until then the relay of the workers hands them over"
        yield Reason(code=Code.PUBLISHING_FAILS, text=text, remedy=remedy)


def remedy_elsewhere(one: Elsewhere, program: str) -> str:
    """What to do about processes that send the same indexes elsewhere."""
    return f"give all processes the same {one.options}, restart those that differ, then {program} reindex SCHEMA"


def _silent(one: KnownWorker) -> Reason:
    seen = "" if one.seen_ago is None else f", seen {one.seen_ago:.0f} s ago"
    text = f"worker {one.name} does not answer (claims: {one.claims}{seen})"
    remedy = "restart it if it is frozen; one that was taken away without a shutdown is forgotten after an hour"
    return Reason(code=Code.WORKER_SILENT, text=text, remedy=remedy)


def _engine(found: Status, max_age: float) -> Iterator[Reason]:
    engine = found.engine
    if engine.new_enough is False:
        text = f"Meilisearch is version {engine.version}; version {NEEDED_TEXT} or newer is needed"
        yield Reason(code=Code.ENGINE_TOO_OLD, text=text, remedy="upgrade the engine")
    elif engine.tested is False:
        text = f"this release was not tested with Meilisearch {engine.version}"
        remedy = "see the release notes, or leave this out with --ignore engine_untested"
        yield Reason(code=Code.ENGINE_UNTESTED, text=text, remedy=remedy)
    if engine.unmoved is not None and engine.unmoved > max_age:
        text = f"the engine's queue has not moved for {engine.unmoved:.0f} s ({engine.backlog} tasks wait)"
        yield Reason(code=Code.ENGINE_STUCK, text=text, remedy="look at the engine's log and disk; restart it")
    elif engine.oldest_age is not None and engine.oldest_age > max_age:
        text = f"{engine.backlog} tasks wait in the engine, the oldest for {engine.oldest_age:.0f} s"
        yield Reason(code=Code.ENGINE_BACKLOG, text=text, remedy="write less, or give the engine more room")
    if engine.task_database_fill is not None and engine.task_database_fill >= FULL:
        text = f"the engine's task database is {100 * engine.task_database_fill:.0f} % full: then it refuses all writes"
        yield Reason(
            code=Code.TASK_DATABASE_FULL, text=text, remedy="delete finished tasks: DELETE /tasks?statuses=succeeded"
        )
