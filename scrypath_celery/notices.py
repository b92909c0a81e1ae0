"""Notices: what happened, for whoever listens, as frozen records of names, counts and ids of works.

They are sent once what they say is committed. None of them holds a document id, a document or the text of a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .work import Operation, ReasonClass, Scope

SHOWN = 100
"""The most works that a signal or a log line names."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something that happened to one index (the unprefixed uid)."""

    index_uid: str


Tell = Callable[[Sequence[Notice]], None]
"""Told of notices; it never raises."""


@dataclass(frozen=True, kw_only=True)
class WorkEnqueued(Notice):
    """Works were written; `documents` is how many document ids they hold."""

    operation: Operation
    works: tuple[int, ...]
    documents: int


@dataclass(frozen=True, kw_only=True)
class Claimed(Notice):
    """Works were claimed together; `operation` is that of the first: what works of one claim were written for is alike.

    `number` is the claim's number in the order of claims of its index.
    """

    operation: Operation
    number: int
    works: tuple[int, ...]
    documents: int


@dataclass(frozen=True, kw_only=True)
class Settled(Notice):
    """A claim was settled, or works of it that waited for the engine: how many works ended in which state.

    `seconds` is how long ago it was claimed, `classes` how many of those that did not succeed have which reason class.
    """

    operation: Operation
    works: tuple[int, ...]
    documents: int
    succeeded: int = 0
    submitted: int = 0
    retrying: int = 0
    failed: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)
    seconds: float


@dataclass(frozen=True, kw_only=True)
class DeadLetter(Notice):
    """A work became a dead letter: how it failed, and which Celery task ran it last, if any.

    `told_by_task` says that this task ends in FAILURE for it, in the process that settled it.
    """

    id: int
    documents: int
    reason_class: ReasonClass
    code: str | None
    task_id: str | None
    told_by_task: bool = False


@dataclass(frozen=True, kw_only=True)
class IndexPaused(Notice):
    """A pause began, or has another reason: `seconds` until the next try, None where an operator has to end it.

    `reason_class` and `scope` are None where an operator paused it (`by_hand`).
    """

    by_hand: bool = False
    reason_class: ReasonClass | None = None
    scope: Scope | None = None
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class IndexResumed(Notice):
    """A pause ended after `seconds`; `by_hand` is one that an operator began."""

    by_hand: bool = False
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RebuildProgress(Notice):
    """A rebuild went on: its phase, and how many documents of how many (None: not known) are filled.

    `phase_began` says that the phase is another than before, `blocked` are the codes for which a cut-over was refused
    just now.
    """

    rebuild: int
    operation: Operation
    phase: str
    documents: int
    total: int | None
    blocked: tuple[str, ...] = ()
    phase_began: bool = False


@dataclass(frozen=True, kw_only=True)
class RebuildFinished(Notice):
    """A rebuild is over, `seconds` after it began; `outcome` is the last phase, `done` where it had its effect."""

    rebuild: int
    operation: Operation
    outcome: str
    documents: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class DriftFound(Notice):
    """Database and index were found to differ: by whom, in which ways, and how often where that was counted."""

    found_by: str
    kinds: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
