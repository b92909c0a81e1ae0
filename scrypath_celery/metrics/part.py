"""Asking a part that may not answer: however many ask, one question to it is under way, and few that are given up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import ScrypathError

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds after which a question that is not answered is asked once more, doubled with each that is not answered.

Its connection may have lost its other end without a word (a host without power, a firewall): nobody will ever answer on
it, while a new one is answered at once.
"""


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
    """What a part answered, None where it did not, and how long that took (seconds)."""

    found: T | None
    why: str | None
    seconds: float


class Part(Generic[T]):
    """One part and the question to it, which is asked in a thread of its own.

    A question that is not answered in time stays under way, and whoever asks meanwhile waits for the same one, until
    `patience` (seconds) is over: a part that hangs for an hour costs seven threads and connections.
    """

    def __init__(self, question: Callable[[], T], patience: float = PATIENCE) -> None:
        self._question = question
        self._patience = self._first = patience
        self._lock = threading.Lock()
        self._asked: tuple[Future[T], float] | None = None

    def ask(self) -> None:
        """Begin to ask, where no question is under way, or the one that is has waited for too long."""
        with self._lock:
            now = time.monotonic()
            if self._asked is None or self._asked[0].done():
                self._patience = self._first
            elif now - self._asked[1] > self._patience:
                self._patience *= 2
            else:
                return
            future: Future[T] = Future()
            self._asked = (future, now)
            threading.Thread(target=self._run, args=(future,), name="scrypath-metrics", daemon=True).start()

    def answer(self, seconds: float) -> Answer[T]:
        """What came of the question that is under way, within `seconds`."""
        assert self._asked is not None
        future, began = self._asked
        found, why = None, None
        try:
            found = future.result(max(seconds, 0.0))
        except TimeoutError:
            why = "it did not answer in time"
        except ScrypathError as exc:
            why = str(exc)
        except Exception as exc:  # noqa: BLE001 - a scrape tells of what it can see
            why = type(exc).__name__
        return Answer(found=found, why=why, seconds=time.monotonic() - began)

    def _run(self, future: Future[T]) -> None:
        try:
            future.set_result(self._question())
        except BaseException as exc:  # noqa: BLE001 - whoever waits gets it
            future.set_exception(exc)
