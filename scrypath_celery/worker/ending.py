"""How a Celery task has to end: by what became of its works, whoever settled them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..convergence.summary import Summary
from ..ledger import noted, selection, works
from ..ledger.selection import Order, WorkFilter
from ..runtime import Runtime
from ..work import OPEN, ReasonClass, State, Work

CHUNK = 500
"""Works that are read at once, and dead letters that a task looks through for its own."""
LATER = 5.0
"""Seconds after which a task comes again whose works were given up, and wait for another try."""


@dataclass(kw_only=True)
class Ending:
    """Dead letters with their classes and codes, works that wait for another try, and for how long (seconds).

    `elsewhere` says that all of the dead letters were settled by another process, or by the relay.
    """

    failed: dict[int, ReasonClass] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    elsewhere: bool = False
    waiting: list[int] = field(default_factory=list)
    retry_in: float = 0.0


def what_became(runtime: Runtime, request: Any, index: str, ids: Sequence[int], outcome: Summary) -> Ending:
    """What a task with these works of an index has to tell.

    A task whose claim was lost, or that comes again (its worker died, or it ended in RETRY), asks the ledger: works
    that it was the last to hold may have been given up by others meanwhile, or by itself before its process died.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    waiting = [*outcome.retrying, *outcome.given_back]
    ending = to_report(outcome)
    ending.waiting, ending.retry_in = waiting, outcome.retry_in
    given_up = outcome.lost or bool((request.delivery_info or {}).get("redelivered"))
    if not given_up and not request.retries:
        return ending
    others: list[Work] = []
    for item in _had(runtime, request.id, index, {*(id for id in ids if id > 0), *outcome.claimed}):
        if item.state is State.FAILED and item.id not in ending.failed:
            if item.history and item.history[-1].get("told_by") == noted.TASK:
                _fail(ending, item)
            else:
                others.append(item)
        elif given_up and item.state in OPEN and item.state is not State.SUBMITTED and item.id not in waiting:
            ending.waiting.append(item.id)
            ending.retry_in = max(ending.retry_in, LATER)
    if others and not ending.failed:
        ending.elsewhere = True
        for item in others:
            _fail(ending, item)
    return ending


def to_report(outcome: Summary) -> Ending:
    """What a task has to report of the claims that it ran, and nobody else does."""
    return Ending(failed=dict(outcome.failed), codes=dict(outcome.codes))


def _fail(ending: Ending, item: Work) -> None:
    ending.failed[item.id] = item.reason_class or ReasonClass.UNKNOWN
    ending.codes[item.id] = item.error_code or ""


def _had(runtime: Runtime, task_id: str, index: str, named: Iterable[int]) -> Iterator[Work]:
    """The works that this task was the last to have: of those that are named, and of the newest dead letters.

    A task that comes again is not told which works it had claimed besides those of its message.
    """
    dead = WorkFilter(states=(State.FAILED,), index_uids=(index,))
    newest = runtime.ledger.read(partial(selection.select_ids, chosen=dead, order=Order.NEWEST, limit=CHUNK))
    ids = sorted({*named, *newest})
    for start in range(0, len(ids), CHUNK):
        for item in runtime.ledger.read(partial(works.find, ids=ids[start : start + CHUNK])):
            last = item.history[-1].get("task") if item.history else None
            if task_id in (item.task_id, last):
                yield item
