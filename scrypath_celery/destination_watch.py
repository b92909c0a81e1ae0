"""Watching for processes that send the same indexes elsewhere: said once in each process, in the log."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from .convergence.destinations import elsewhere, note
from .errors import ScrypathError
from .logs import log
from .runtime import Runtime

SELDOM = 60.0
"""Seconds between two looks of a process."""


class DestinationWatch:
    """Compares where this process sends documents with where others do; raises nothing.

    `is_worker` says whether this process is a worker, which the relay notes; others are noted where they differ.
    """

    def __init__(self, runtime: Callable[[], Runtime], is_worker: Callable[[], bool]) -> None:
        self._runtime, self._is_worker = runtime, is_worker
        self._pid: int | None = None
        self._next = 0.0
        self._told: set[tuple[str, str]] = set()

    def look(self, *, moved: bool = False) -> None:
        """Look, unless that was done a moment ago; where an index has `moved`, this process is to be seen as well."""
        if self._pid != os.getpid():
            self._pid, self._next, self._told = os.getpid(), 0.0, set()
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + SELDOM
        try:
            self._compare(moved)
        except ScrypathError as exc:
            log("destinations_not_compared", error=exc.code)

    def _compare(self, moved: bool) -> None:
        runtime = self._runtime()
        found = elsewhere(runtime)
        if (found or moved) and not self._is_worker():
            note(runtime)
        for one in found:
            if (one.url, one.prefix) not in self._told:
                self._told.add((one.url, one.prefix))
                log("sent_elsewhere", told=one.text, options=one.options)
