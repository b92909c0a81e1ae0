"""What to do about drift: from signals to recommended actions, each with its exact command line. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..work import ReasonClass, Scope


class Signal(StrEnum):
    """One reason why database and index may differ, or be about to."""

    PENDING_ENGINE_WORK = "pending_engine_work"
    PENDING_QUEUE_WORK = "pending_queue_work"
    FAILED_SYNC_WORK = "failed_sync_work"
    COUNT_MISMATCH = "count_mismatch"
    INDEX_MISSING = "index_missing"
    INDEX_PAUSED = "index_paused"
    WORKS_HANG = "works_hang"
    ENGINE_RESTORED = "engine_restored"
    CONTRACT_DRIFT = "contract_drift"
    REINDEX_VISIBILITY_AVAILABLE = "reindex_visibility_available"
    REINDEX_IN_PROGRESS = "reindex_in_progress"
    REINDEX_CUTOVER_PENDING = "reindex_cutover_pending"


TROUBLES = frozenset(
    {
        Signal.FAILED_SYNC_WORK,
        Signal.COUNT_MISMATCH,
        Signal.INDEX_MISSING,
        Signal.INDEX_PAUSED,
        Signal.WORKS_HANG,
        Signal.ENGINE_RESTORED,
        Signal.CONTRACT_DRIFT,
    }
)
"""Signals of a confirmed problem: database and index differ, or somebody has to see to it before they agree."""


@dataclass(frozen=True, kw_only=True)
class Action:
    """Something to do: what kind, why, and the command line that does it."""

    name: str
    why: str
    command: str


@dataclass(frozen=True, kw_only=True)
class FailedClass:
    """Dead letters of one reason class: how many, and the lowest id among them."""

    count: int
    first: int


@dataclass(frozen=True, kw_only=True)
class Situation:
    """What is known of one index: its schema's name, the signals, dead letters by class, and why it is paused.

    `pause_scope` is what the pause concerns.
    """

    schema: str
    signals: frozenset[Signal]
    failed: Mapping[ReasonClass, FailedClass] = field(default_factory=dict)
    pause: ReasonClass | None = None
    contract: Sequence[str] = ()
    """What fixes a drift of the contract: `settings_apply`, `backfill`, `reindex`."""
    drifting: Sequence[str] = ()
    """The names of what differs in it."""
    pause_scope: Scope | None = None
    by_hand: str | None = None
    """Who paused it by hand and why."""
    hanging: Sequence[int] = ()
    """Works whose projection hangs now."""
    surplus: int = 0
    """Documents that the index holds beyond the number of records."""
    cap: int | None = None
    """How many documents without a record are deleted without a word of an operator; None where that is not known."""
    restoring: str | None = None
    """The command of a backfill or reindex that is under way and began after the engine lost what was settled."""


REMEDIES: Mapping[ReasonClass, str] = {
    ReasonClass.VALIDATION: "the documents are wrong: fix the records or their projection, then retry",
    ReasonClass.TRANSPORT: "the engine could not be reached: see that it answers, then retry",
    ReasonClass.BACKEND_REJECTED: "the engine is full or in a bad state: see to it, then retry",
    ReasonClass.AUTH: "the engine refused the key: set one that may write, then retry",
    ReasonClass.SOURCE: "the projection or the database failed: fix it, then retry",
    ReasonClass.QUEUE_EXHAUSTED: "the attempts are spent: retry",
    ReasonClass.UNKNOWN: "retry, and look at the reason if it fails again",
}
"""What helps against each class of dead letters."""

PAUSES: Mapping[ReasonClass, str] = {
    ReasonClass.TRANSPORT: "the engine does not answer",
    ReasonClass.BACKEND_REJECTED: "the engine cannot work",
    ReasonClass.AUTH: "the engine refuses the key",
    ReasonClass.SOURCE: "the database does not answer, or workers do not see its records",
}
"""What keeps a paused index from being tried."""


CONTRACT: Mapping[str, tuple[str, str]] = {
    "settings_apply": (
        "the index has other settings than the schema declares, or was made with others",
        "settings apply {schema}",
    ),
    "backfill": (
        "its documents were made with another declaration, or have other fields",
        "reconcile {schema} --action backfill",
    ),
    "reindex": ("the index has another primary key than the schema", "reconcile {schema} --action reindex"),
}
"""Why and with which command each drift of the contract is fixed."""


def recommended(situation: Situation, program: str = "scrypath-celery") -> tuple[Action, ...]:
    """What to do, in this order. `program` is how commands are called here, with the application it was given."""
    found: list[Action] = []
    for rule in (_restored, _paused, _hanging, _pending, _failed, _rebuild, _contract, _differing):
        found += rule(situation, program)
    return tuple(found)


Rule = Callable[[Situation, str], list[Action]]


def _restored(situation: Situation, program: str) -> list[Action]:
    if Signal.ENGINE_RESTORED not in situation.signals:
        return []
    what = "the engine was restored, emptied or replaced: settled work is lost in it"
    if situation.restoring is not None:
        why = f"{what}, and is being brought back: wait; if its process is gone, this goes on with it"
        return [Action(name="wait", why=why, command=f"{program} {situation.restoring} {situation.schema}")]
    return [_reindex(situation, program, f"{what}, build the index anew")]


def _paused(situation: Situation, program: str) -> list[Action]:
    found = []
    if situation.by_hand is not None:
        why = f"{situation.by_hand}; once that is over, let the workers go on"
        found.append(Action(name="resume", why=why, command=f"{program} resume {situation.schema}"))
    return found + (_paused_by_itself(situation, program) if situation.pause is not None else [])


def _paused_by_itself(situation: Situation, program: str) -> list[Action]:
    if situation.pause_scope is Scope.INDEX and situation.pause is ReasonClass.BACKEND_REJECTED:
        why = "the engine's index is another application's (see the reason): give one of them another name"
        return [Action(name="rename", why=why, command=f"{program} status {situation.schema}")]
    if situation.pause_scope is Scope.INDEX:
        why = "the index as it is does not take the documents (see the reason): build it anew, which ends the pause"
        return [_reindex(situation, program, why)]
    what = PAUSES.get(situation.pause or ReasonClass.UNKNOWN, "the index cannot be worked on")
    why = f"{what}: see to that; the pause then ends by itself, and no work is lost"
    return [Action(name="wait", why=why, command=f"{program} status {situation.schema}")]


def _hanging(situation: Situation, program: str) -> list[Action]:
    why = "the projection of a document hangs: see which, and what its code waits for"
    return [Action(name="look", why=why, command=f"{program} work show {id}") for id in situation.hanging]


def _pending(situation: Situation, program: str) -> list[Action]:
    waiting = {Signal.PENDING_QUEUE_WORK, Signal.PENDING_ENGINE_WORK} & situation.signals
    if not waiting or Signal.INDEX_PAUSED in situation.signals:
        return []
    why = "work is under way: counts can be judged once it is settled; see that it moves and that a worker answers"
    return [Action(name="wait", why=why, command=f"{program} status {situation.schema}")]


def _failed(situation: Situation, program: str) -> list[Action]:
    actions = []
    for reason_class, group in situation.failed.items():
        if group.count == 1:
            command = f"{program} retry --id {group.first} {situation.schema}"
        else:
            command = f"{program} retry --reason-class {reason_class} {situation.schema} --dry-run"
        actions.append(Action(name="retry", why=REMEDIES[reason_class], command=command))
    return actions


def _rebuild(situation: Situation, program: str) -> list[Action]:
    if Signal.ENGINE_RESTORED in situation.signals:
        return []
    if Signal.REINDEX_CUTOVER_PENDING in situation.signals:
        return [_reindex(situation, program, "the new index is filled: catch up once more and cut over")]
    if Signal.REINDEX_IN_PROGRESS in situation.signals:
        return [_reindex(situation, program, "a rebuild is under way; if its process is gone, this goes on with it")]
    return []


def _contract(situation: Situation, program: str) -> list[Action]:
    """The cheapest actions that make the index what is declared; a recommended reindex does all of it."""
    if Signal.CONTRACT_DRIFT not in situation.signals or Signal.ENGINE_RESTORED in situation.signals:
        return []
    shown = ", ".join(situation.drifting[:8]) + (", ..." if len(situation.drifting) > 8 else "")
    actions = []
    for remedy in situation.contract:
        why, command = CONTRACT[remedy]
        line = f"{program} {command.format(schema=situation.schema)}"
        actions.append(Action(name=remedy, why=f"{why}: {shown}", command=line))
    return actions


def _differing(situation: Situation, program: str) -> list[Action]:
    if not {Signal.COUNT_MISMATCH, Signal.INDEX_MISSING} & situation.signals:
        return []
    if Signal.ENGINE_RESTORED in situation.signals:
        return []
    why = "database and index hold different numbers of documents, and nothing is under way: re-sync all records"
    if Signal.INDEX_MISSING in situation.signals:
        why = "the index is not there: make it, with all records"
    elif situation.cap is not None and situation.surplus > situation.cap:
        why = (
            f"the index holds {situation.surplus} documents more than there are records, more than are deleted without"
            f" a word ({situation.cap}): see which with `verify`, then let them be deleted"
        )
        command = f"{program} reconcile {situation.schema} --action repair --allow-mass-delete"
        return [Action(name="repair", why=why, command=command)]
    command = f"{program} reconcile {situation.schema} --action backfill"
    return [Action(name="backfill", why=why, command=command)]


def _reindex(situation: Situation, program: str, why: str) -> Action:
    return Action(name="reindex", why=why, command=f"{program} reconcile {situation.schema} --action reindex")
