"""The scheduler: one thread that takes one batch at a time from the queue and runs it."""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from . import clock
from .autobatch import Plan, Waiting, plan
from .batches import Batches
from .faults import TASK_KINDS, Circumstance, Fault, Faults
from .operations import Batch, Operations, Parts, Write
from .refusal import Refusal
from .task import Task

_LOG = logging.getLogger(__name__)
_COSTLY = frozenset({"documents", "deletions", "clear", "settings", "clearAndSettings"})
_Ids = Callable[[Task], list[str]]


class _Abandoned(Exception):
    """The batch that runs is given up; its tasks wait again."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The time in seconds that a batch of documents or settings takes at least, and more for each of its documents."""

    batch: float = 0.0
    document: float = 0.0

    def of(self, batch: Batch) -> float:
        """The least time of one batch, in seconds."""
        if batch.kind not in _COSTLY:
            return 0.0
        carried = (task.details or {} for task in batch.tasks)
        documents = sum(one.get("receivedDocuments") or one.get("providedIds") or 0 for one in carried)
        return self.batch + self.document * documents


class Scheduler:
    """Runs what waits, in the engine's order.

    `cost` is how long batches take at least; `ids` names the documents that a task carries, for faults that look at
    them.
    """

    def __init__(self, parts: Parts, batches: Batches, faults: Faults, cost: Cost, ids: _Ids) -> None:
        self._parts, self._batches, self._faults = parts, batches, faults
        self._cost, self._ids = cost, ids
        self._operations = Operations(parts, self._check)
        self._signal = threading.Condition()
        self._running = threading.Lock()
        self._work = self._frozen = self._stopped = self._abandon = self._held = False
        self._vanishing: list[int] = []
        self._thread = threading.Thread(target=self._run, name="embedded-engine-scheduler", daemon=True)

    def start(self) -> None:
        """Begin; what was processing when the process died runs again."""
        with self._parts.database.transaction():
            self._parts.queue.requeue()
        self._work = True
        self._thread.start()

    def stop(self) -> None:
        """End the thread; a batch that runs is given up and waits for the next start."""
        self._set(stopped=True, abandon=True)
        self._thread.join()

    def nudge(self) -> None:
        """Say that something changed: a new task, a fault that ended."""
        self._set()

    def abandon(self) -> None:
        """Give up the batch that runs: one of its tasks is to be canceled."""
        self._set(abandon=True)

    def freeze(self) -> None:
        """Take no further batch."""
        with self._signal:
            self._frozen = True

    def thaw(self) -> None:
        """Go on."""
        with self._signal:
            self._frozen = False
        self._set()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing runs inside; a batch that ran before is given up."""
        self._held = True
        self._set(abandon=True)
        with self._running:
            try:
                yield
            finally:
                self._held = self._abandon = False
        self._set()

    def _set(self, *, stopped: bool = False, abandon: bool = False) -> None:
        with self._signal:
            self._work = True
            self._stopped = self._stopped or stopped
            self._abandon = self._abandon or abandon
            self._signal.notify_all()

    def _run(self) -> None:
        while True:
            with self._signal:
                self._signal.wait_for(lambda: self._stopped or (self._work and not self._frozen))
                if self._stopped:
                    return
                self._work = False
            while not (self._stopped or self._frozen or self._held) and self._tick():
                pass

    def _tick(self) -> bool:
        """Run one batch; False where nothing waits."""
        with self._running:
            batch = self._begin()
            if batch is None:
                return False
            try:
                self._execute(batch)
            except _Abandoned:
                with self._parts.database.transaction():
                    self._parts.queue.requeue()
            return True

    def _begin(self) -> Batch | None:
        database, queue = self._parts.database, self._parts.queue
        with database.transaction():
            # Before the batch is chosen, so that a cancelation that comes later is for this batch.
            self._abandon = self._held
            tasks = queue.next_jump()
            if tasks:
                chosen = Plan(tasks[0].kind, None, [], "this kind of task jumps the queue")
            else:
                first = queue.first_waiting()
                if first is None:
                    return None
                tasks, chosen = self._merge(first)
            batch = Batch(
                database.count_up("batch"), chosen.kind, tasks, clock.now(), chosen.strategy, chosen.must_create
            )
            for task in tasks:
                task.batch, task.started_at = batch.uid, batch.started_at
            queue.start(tasks, batch.uid, batch.started_at)
            self._batches.start(batch)
        return batch

    def _merge(self, first: Task) -> tuple[list[Task], Plan]:
        if first.index is None:
            return [first], plan([_waiting(first)], index_exists=True, index_key=None)
        index = self._parts.catalogue.find(first.index)
        read: list[Task] = []
        chosen = plan(
            _noted(self._parts.queue.waiting(first.index), read),
            index_exists=index is not None,
            index_key=None if index is None else index.primary_key,
        )
        return read[: len(chosen.tasks)], chosen

    def _execute(self, batch: Batch) -> None:
        self._vanishing = []
        whole = list(batch.tasks)
        over = time.monotonic() + self._cost.of(batch)
        try:
            healthy = self._afflict(batch)
            write = self._prepared(batch, healthy)
        except Refusal as refusal:
            self._fail(whole, refusal)
            write = _nothing
        batch.tasks = whole
        left = over - time.monotonic()
        if left > 0:
            self._wait(None, left)
        try:
            with _crashes():
                self._finish(batch, write)
        except Refusal as refusal:
            batch.tasks = whole
            self._fail(whole, refusal)
            self._finish(batch, _nothing)

    def _prepared(self, batch: Batch, healthy: list[Task]) -> Write:
        if not healthy:
            return _nothing
        batch.tasks = healthy
        with _crashes():
            return self._operations.prepare(batch)

    def _finish(self, batch: Batch, write: Write) -> None:
        """Write down all of a batch at once: the documents are visible no later than the task is over."""
        with self._parts.database.transaction():
            self._check()
            write()
            finished = clock.now()
            for task in batch.tasks:
                task.batch, task.started_at, task.finished_at = batch.uid, batch.started_at, finished
            self._parts.queue.end(batch.tasks)
            self._batches.end(batch, finished)
            if self._vanishing:
                self._parts.queue.forget(self._vanishing)

    def _fail(self, tasks: list[Task], refusal: Refusal) -> None:
        for task in tasks:
            if task.status != "canceled":
                task.fail(refusal)

    def _afflict(self, batch: Batch) -> list[Task]:
        """Let faults strike the tasks of a batch; return those that are still to be run."""
        healthy = []
        for task in batch.tasks:
            at = Circumstance(functools.partial(self._ids, task), index=task.index)
            fault = self._faults.take(TASK_KINDS, at)
            if fault is None:
                healthy.append(task)
            elif fault.kind == "fail_task":
                text = fault.options["message"] or f"Index `{task.index}`: failed on demand."
                refusal = Refusal(fault.options["code"], text)
                if fault.options["whole_batch"]:
                    raise refusal
                task.fail(refusal)
            elif fault.kind == "cancel_task":
                task.cancel(None)
            else:
                healthy.append(task)
                if fault.kind == "hang_task":
                    self._wait(fault)
                else:
                    self._vanishing.append(task.uid)
        return healthy

    def _wait(self, fault: Fault | None, seconds: float | None = None) -> None:
        """Wait until a fault has ended or the time is over, unless the batch is given up."""
        with self._signal:
            self._signal.wait_for(
                lambda: self._abandon or self._stopped or (fault is not None and fault.removed), seconds
            )
        self._check()

    def _check(self) -> None:
        if self._abandon or self._stopped:
            raise _Abandoned


@contextlib.contextmanager
def _crashes() -> Iterator[None]:
    """Turn what was not foreseen into the engine's own error: a crash fails the batch, not the scheduler."""
    try:
        yield
    except (Refusal, _Abandoned):
        raise
    except Exception as exc:
        _LOG.exception("a batch crashed")
        text = f"An unexpected crash occurred when processing the task: {exc}"
        raise Refusal("internal", text) from exc


def _noted(tasks: Iterable[Task], read: list[Task]) -> Iterator[Waiting]:
    """The tasks as the merging rules look at them; those that were looked at are kept in `read`."""
    for task in tasks:
        read.append(task)
        yield _waiting(task)


def _nothing() -> None:
    return None


def _waiting(task: Task) -> Waiting:
    wish = task.content
    match task.kind:
        case "documentAdditionOrUpdate":
            return Waiting(task.uid, "add", wish["creates"], wish["key"], task.size)
        case "documentDeletion":
            kind = "deleteByFilter" if "filter" in wish else "clear" if "all" in wish else "delete"
            return Waiting(task.uid, kind)
        case "settingsUpdate":
            return Waiting(task.uid, "settings", wish["creates"])
    return Waiting(task.uid, task.kind)
