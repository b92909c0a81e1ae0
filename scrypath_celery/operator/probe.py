"""Asking a part that may be unreachable: once it did not answer it is not asked again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from ..convergence.proof import check
from ..errors import EngineError, LedgerError, ScrypathError
from ..runtime import Runtime

T = TypeVar("T")


class Probe:
    """Questions to one part, until it fails to answer one, or until `seconds` are over; then `reason` says why."""

    def __init__(self, seconds: float | None = None) -> None:
        self.reason: str | None = None
        self._seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def ask(self, question: Callable[[], T]) -> T | None:
        """The answer, or None where there is none: then `reason` is set."""
        if self.reason is None and self._end is not None and time.monotonic() > self._end:
            self.reason = f"left out: looking took longer than {self._seconds:g} s"
        if self.reason is not None:
            return None
        try:
            return question()
        except ScrypathError as exc:
            self.reason = str(exc)
            return None


def look_for_loss(runtime: Runtime, engine: Probe, ledger: Probe) -> None:
    """Note in the ledger that the engine was restored, emptied or replaced, where it was and nobody noted it yet."""
    if engine.reason is not None or ledger.reason is not None:
        return
    try:
        check(runtime)
    except EngineError as exc:
        engine.reason = str(exc)
    except LedgerError as exc:
        ledger.reason = str(exc)


def with_timeouts(runtime: Runtime, *, connect: float, answer: float) -> Runtime:
    """The same runtime, whose engine has to connect and to answer within these seconds, and whose ledger to answer."""
    from ..engine import Engine  # loads the client

    options = runtime.options
    shorter = replace(
        options,
        engine_connect_timeout=min(connect, options.engine_connect_timeout),
        engine_timeout=min(answer, options.engine_timeout),
    )
    return replace(runtime, engine=Engine(shorter), ledger=runtime.ledger.within(answer))
