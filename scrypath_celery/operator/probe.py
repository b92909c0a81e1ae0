"""Asking a part that may be unreachable: once it did not answer it is not asked again."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ..convergence.proof import check
from ..errors import (
    EngineError,
    EngineUnreachable,
    LedgerError,
    LedgerMissing,
    LedgerOutdated,
    LedgerUnavailable,
    ScrypathError,
)
from ..runtime import Runtime

T = TypeVar("T")


UNREACHABLE = (EngineUnreachable, LedgerUnavailable, LedgerMissing, LedgerOutdated)
"""Errors of a part as a whole: whoever asks it next gets no answer either."""


@dataclass(kw_only=True)
class _Part:
    """What all questions to one part share: until when it is asked, and why it is not asked any more."""

    seconds: float | None
    end: float | None
    down: str | None = None


class Probe:
    """Questions to one part, until it fails to answer one, or until `seconds` are over; then `reason` says why."""

    def __init__(self, seconds: float | None = None) -> None:
        self.reason: str | None = None
        self._part = _Part(seconds=seconds, end=None if seconds is None else time.monotonic() + seconds)

    @property
    def down(self) -> str | None:
        """Why the part as a whole is not asked any more; None while it answers."""
        return self._part.down

    def apart(self) -> Probe:
        """A probe of the same part for one schema: what concerns that schema alone does not end the others."""
        found = Probe()
        found._part, found.reason = self._part, self.reason
        return found

    def ask(self, question: Callable[[], T]) -> T | None:
        """The answer, or None where there is none: then `reason` is set."""
        part = self._part
        if part.down is None and part.end is not None and time.monotonic() > part.end:
            part.down = f"left out: looking took longer than {part.seconds:g} s"
        self.reason = self.reason or part.down
        if self.reason is not None:
            return None
        try:
            return question()
        except ScrypathError as exc:
            self.reason = str(exc)
            part.down = self.reason if isinstance(exc, UNREACHABLE) else None
            return None
        except TimeoutError:
            self.reason = part.down = f"did not answer within {part.seconds:g} s"
            return None

    def ask_beside(self, question: Callable[[], T]) -> T | None:
        """The same for a part that nothing else bounds: where the time is over the question is left behind."""
        end = self._part.end
        if end is None:
            return self.ask(question)
        return self.ask(lambda: Look(question).answer(end - time.monotonic()))


class Look(Generic[T]):
    """A question that is asked beside others, in a thread that is left behind where the answer takes too long."""

    def __init__(self, question: Callable[[], T]) -> None:
        self._answers: queue.Queue[tuple[T | None, Exception | None]] = queue.Queue(1)

        def run() -> None:
            try:
                self._answers.put((question(), None))
            except Exception as exc:  # noqa: BLE001 - whoever waits for the answer gets it
                self._answers.put((None, exc))

        threading.Thread(target=run, name="scrypath-look", daemon=True).start()

    def answer(self, seconds: float) -> T:
        """The answer.

        Raises:
            TimeoutError: there was none within `seconds`. Whatever the question raised.
        """
        try:
            found, error = self._answers.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            raise TimeoutError from None
        if error is not None:
            raise error
        return found  # type: ignore[return-value]


def look_for_loss(runtime: Runtime, engine: Probe, ledger: Probe) -> None:
    """Note in the ledger that the engine was restored, emptied or replaced, where it was and nobody noted it yet."""
    if engine.reason is not None or ledger.reason is not None:
        return
    try:
        check(runtime)
    except EngineUnreachable as exc:
        engine.reason = str(exc)
    except EngineError:
        return  # a key that may not list tasks: each index says so
    except LedgerError as exc:
        ledger.reason = str(exc)


def with_timeouts(runtime: Runtime, *, connect: float, answer: float) -> Runtime:
    """The same runtime, where the engine has to connect within `connect` seconds, and every part to answer in time."""
    from ..engine import Engine  # loads the client

    options = runtime.options
    shorter = replace(
        options,
        engine_connect_timeout=min(connect, options.engine_connect_timeout),
        engine_timeout=min(answer, options.engine_timeout),
        broker_seconds=min(answer, options.broker_seconds),
    )
    return replace(runtime, options=shorter, engine=Engine(shorter), ledger=runtime.ledger.within(answer))
