"""Waiting for something to become true: the one place in the tests where a wait between two looks is allowed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

PATIENCE = 120.0
"""Seconds after which something is broken, however slow the machine: the one limit of all waits."""

_FIRST_WAIT = 0.005
_LONGEST_WAIT = 0.1


def eventually(condition: Callable[[], Answer], *, seconds: float = PATIENCE, what: str) -> Answer:
    """Look until `condition()` answers something true, and return that answer.

    `seconds` is the deadline, meant as "longer than this is broken", never as a measurement: give one only where the
    wait is expected to fail, or is long by itself. `what` says in words what is waited for. Raises AssertionError, with
    the last answer, when the deadline is over. What `condition` raises comes out at once.
    """
    deadline = time.monotonic() + seconds
    wait = _FIRST_WAIT
    while True:
        late = time.monotonic() >= deadline
        answer = condition()
        if answer:
            return answer
        if late:
            raise AssertionError(f"not within {seconds} s: {what} (last answer: {answer!r})")
        time.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT)
