"""Asking a part that may not answer: never more than one question to it is under way, however many ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import ScrypathError

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
    """What a part answered, None where it did not, and how long that took (seconds)."""

    found: T | None
    why: str | None
    seconds: float


class Part(Generic[T]):
    """One part and the question to it, which is asked in a thread of its own.

    A question that is not answered in time stays under way, and whoever asks meanwhile waits for the same one: a part
    that hangs costs one thread and one connection.
    """

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._lock = threading.Lock()
        self._asked: tuple[Future[T], float] | None = None

    def ask(self) -> None:
        """Begin to ask, where no question is under way."""
        with self._lock:
            if self._asked is None or self._asked[0].done():
                future: Future[T] = Future()
                self._asked = (future, time.monotonic())
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
