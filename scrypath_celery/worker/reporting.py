"""Saying how far a long task is: as an event, and as its state where the app has a result backend."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from ..convergence.summary import Summary
from ..declaration.registry import Schemas
from ..ledger.rebuilds import Rebuild
from ..logs import log
from ..work import Cause
from .events import progress
from .messages import named
from .publisher import Event

FIRST = 2.0
"""Seconds of a task after which it says how far it is: shorter ones are over before anybody looks."""
PERIOD = 2.0
"""Seconds between two reports of a task."""


class Reporter(Protocol):
    """What a report needs of the `Scrypath` that the task belongs to."""

    def tell(self, events: Sequence[Event]) -> None: ...


@contextmanager
def reported(task: Any, owner: Reporter, schemas: Schemas, index: str, cause: Cause) -> Iterator[Report]:
    """A report of the task that runs in this context; nothing of it is left in the result backend afterwards."""
    report = Report(task, owner, schemas, index, cause)
    try:
        yield report
    finally:
        report.end()


class Report:
    """How far one task is: told every two seconds, from its second second on."""

    def __init__(self, task: Any, owner: Reporter, schemas: Schemas, index: str, cause: Cause) -> None:
        self._task, self._owner, self._schemas, self._index, self._cause = task, owner, schemas, index, cause
        self._next = time.monotonic() + FIRST
        self._state: _StoredState | None = None

    def works(self, total: Summary) -> None:
        """Tell how many documents the claims that have ended held; once some failed, their event is what is shown."""
        if total.failed:
            return
        text = f"{named(self._schemas, self._index)}: {self._cause.value}, {total.documents} documents so far"
        self._tell(self._index, text, total.documents, None)

    def rebuild(self, row: Rebuild, phase: str, done: int, total: int | None) -> None:
        """Tell how far a rebuild is that this task drives."""
        of = "" if total is None else f" of {total}"
        text = f"{named(self._schemas, row.index_uid)}: {row.operation.value} {row.id}, {phase} {done}{of} documents"
        self._tell(row.index_uid, text, done, total)

    def end(self) -> None:
        """Say no more, and forget the state that was stored: what we do leaves no results."""
        if self._state is not None:
            self._state.end()

    def _tell(self, index: str, text: str, done: int, total: int | None) -> None:
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PERIOD
        request = self._task.request
        self._owner.tell([progress(request.id, index, text, done, total)])
        if self._task.backend.as_uri().startswith("disabled"):
            return
        self._state = self._state or _StoredState(self._task, request.id)
        self._state.store({"index": index, "done": done, "total": total, "text": text})


class _StoredState:
    """The state `PROGRESS` in a result backend, kept by a thread: no task waits for a backend that does not answer."""

    def __init__(self, task: Any, id: str) -> None:
        self._task, self._id = task, id
        self._metas: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="scrypath-progress", daemon=True).start()

    def store(self, meta: dict[str, Any]) -> None:
        self._metas.put(meta)

    def end(self) -> None:
        self._metas.put(None)

    def _run(self) -> None:
        while True:
            meta = self._metas.get()
            try:
                if meta is None:
                    self._task.backend.forget(self._id)
                    return
                self._task.update_state(task_id=self._id, state="PROGRESS", meta=meta)
            except Exception as exc:  # noqa: BLE001 - each backend has errors of its own; progress is only shown
                log("progress_not_stored", error=type(exc).__name__)
                if meta is None:
                    return
