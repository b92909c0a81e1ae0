"""How a Celery task has to end: by what became of its works, whoever settled them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ..convergence.summary import Summary
from ..ledger import works
from ..runtime import Runtime
from ..work import OPEN, ReasonClass, State

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


def what_became(runtime: Runtime, request: Any, ids: Sequence[int], outcome: Summary) -> Ending:
    """What a task with these works has to tell.

    A task whose claim was lost, or that comes again (its worker died, or it ended in RETRY), asks the ledger: works
    that it was the last to hold may have been given up by others meanwhile.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    waiting = [*outcome.retrying, *outcome.given_back]
    ending = Ending(
        failed=dict(outcome.failed),
        codes=dict(outcome.codes),
        waiting=waiting,
        retry_in=outcome.retry_in,
    )
    given_up = outcome.lost or bool((request.delivery_info or {}).get("redelivered"))
    if not given_up and not request.retries:
        return ending
    named = sorted({*(id for id in ids if id > 0), *outcome.claimed})
    for start in range(0, len(named), 500):
        chunk = named[start : start + 500]
        for item in runtime.ledger.read(partial(works.find, ids=chunk)):
            if item.task_id != request.id:
                continue
            if item.state is State.FAILED:
                ending.failed[item.id] = item.reason_class or ReasonClass.UNKNOWN
                ending.codes[item.id] = item.error_code or ""
                ending.elsewhere = not outcome.failed
            elif given_up and item.state in OPEN and item.state is not State.SUBMITTED and item.id not in waiting:
                ending.waiting.append(item.id)
                ending.retry_in = max(ending.retry_in, LATER)
    return ending
