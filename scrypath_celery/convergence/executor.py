"""Running claims: several under way at once, one poll for all that they wait for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ..errors import EngineError, ScrypathError
from ..ledger import claims
from ..ledger.claims import is_suspect
from ..runtime import Runtime, identity
from ..work import EngineTask
from .checkpoints import Await, Steps
from .claim_run import ClaimRun, Lost
from .converge import converge
from .settle import release
from .summary import Summary

logger = logging.getLogger("scrypath_celery")

MAX_IN_FLIGHT = 4
"""Claims of one process that may be under way at once: the next payloads go out while the engine works on the last."""
GROWTH = 1.2
"""How the wait between two polls grows: it stays at about a sixth of the time waited so far."""


@dataclass(kw_only=True)
class InFlightClaim:
    """A claim under way: what it waits for, since when, and when it was last renewed.

    `broken` is one that ended with an error that nobody foresaw.
    """

    run: ClaimRun
    steps: Steps
    awaiting: Await | None = None
    waiting_since: float = 0.0
    renewed: float = 0.0
    broken: bool = False


def claim(
    runtime: Runtime,
    uid: str,
    *,
    only: Sequence[int] | None = None,
    task_id: str | None = None,
    suspects: bool = True,
) -> ClaimRun | None:
    """Claim what is ready of one index, which this process has to declare; None where nothing may be claimed.

    `suspects=False` leaves out works that may end the process: they would take what else is under way with them.
    """
    schema = runtime.schemas.by_uid(uid)
    if schema is None:
        return None
    options = runtime.options
    take = partial(
        claims.take,
        uid=uid,
        documents=options.claim_documents,
        lease=options.lease,
        worker=identity(),
        only=only,
        task_id=task_id,
        suspects=suspects,
        fingerprint=schema.fingerprint(),
    )
    held = runtime.ledger.run(lambda tx: take(tx))
    if held is None:
        return None
    index = held.target or runtime.uid_of(schema)
    return ClaimRun(runtime=runtime, claim=held, schema=schema, index=index, to_target=held.target is not None)


def run_ready_works(
    runtime: Runtime,
    uid: str,
    *,
    seconds: float,
    only: Sequence[int] | None = None,
    task_id: str | None = None,
    wait: bool = True,
) -> Summary:
    """Claim and converge what is ready of one index until nothing is, or `seconds` are over.

    `only` names the works to take; `wait=False` leaves the last wait of each claim out (its works end `submitted`).
    Whatever stops this process releases its claims.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    total, in_flight, end = Summary(), list[InFlightClaim](), time.monotonic() + seconds
    more = True
    try:
        while True:
            if more and _room(in_flight) and time.monotonic() < end:
                run = claim(runtime, uid, only=only, task_id=task_id, suspects=not in_flight)
                more = run is not None
                if run is not None:
                    one = InFlightClaim(run=run, steps=converge(run), renewed=time.monotonic())
                    in_flight.append(one)
                    _advance(one, None, wait)
            elif not in_flight:
                return total
            else:
                _poll(runtime, in_flight, wait)
            for one in [one for one in in_flight if one.awaiting is None]:
                in_flight.remove(one)
                total.add(one.run.outcome)
                more = more and one.run.outcome.paused is None
    except BaseException:
        _release(in_flight)
        raise


def _room(in_flight: Sequence[InFlightClaim]) -> bool:
    """Whether another claim may be under way beside these."""
    return len(in_flight) < MAX_IN_FLIGHT and not any(is_suspect(one.run.claim.works[0]) for one in in_flight)


def _advance(one: InFlightClaim, answer: dict[int, EngineTask] | None, wait: bool) -> None:
    """Run a one up to its next wait, or to its end (then `awaiting` is None)."""
    try:
        found = one.steps.send(answer) if one.awaiting is not None else next(one.steps)
        while True:
            if isinstance(found, Await):
                if found.last and not wait:
                    found = one.steps.send(None)
                    continue
                one.awaiting, one.waiting_since = found, time.monotonic()
                one.renewed = one.waiting_since
                return
            found = next(one.steps)
    except StopIteration:
        one.awaiting = None
    except ScrypathError:
        raise
    except Exception:
        one.broken = True
        raise


def _poll(runtime: Runtime, in_flight: list[InFlightClaim], wait: bool) -> None:
    """Ask the engine for all that the in_flight wait for, until one of them can go on."""
    options, interval, pause = runtime.options, runtime.options.poll_first, threading.Event()
    while True:
        wanted = frozenset[int]().union(*(one.awaiting.uids for one in in_flight if one.awaiting))
        try:
            tasks: dict[int, EngineTask] | None = runtime.engine.tasks(wanted)
        except EngineError:
            tasks = None
        moved = False
        for one in list(in_flight):
            answer = _answer(one, tasks)
            over = time.monotonic() - one.waiting_since > options.await_seconds
            if tasks is None or over or (answer is not None and all(task.terminal for task in answer.values())):
                moved = True
                _advance(one, answer, wait)
            elif time.monotonic() - one.renewed > options.lease / 4:
                moved |= not _renew(one)
        if moved:
            return
        pause.wait(interval)
        interval = min(interval * GROWTH, options.poll_max)


def await_tasks(runtime: Runtime, uids: Sequence[int]) -> dict[int, EngineTask]:
    """Wait for engine tasks outside any claim; those that the engine knows, terminal unless the wait ran out.

    Raises:
        EngineError: the engine could not be asked.
    """
    interval, pause, end = (
        runtime.options.poll_first,
        threading.Event(),
        time.monotonic() + runtime.options.await_seconds,
    )
    while True:
        tasks = runtime.engine.tasks(uids)
        if all(task.terminal for task in tasks.values()) or time.monotonic() > end:
            return tasks
        pause.wait(interval)
        interval = min(interval * GROWTH, runtime.options.poll_max)


def _answer(one: InFlightClaim, tasks: dict[int, EngineTask] | None) -> dict[int, EngineTask] | None:
    if tasks is None or one.awaiting is None:
        return None
    return {uid: tasks[uid] for uid in one.awaiting.uids if uid in tasks}


def _renew(one: InFlightClaim) -> bool:
    """Renew a lease during a wait; false where it is gone, and the one has ended with its report."""
    try:
        one.run.renew_lease()
    except Lost as lost:
        try:
            one.steps.throw(lost)
            for _ in one.steps:
                continue
        except StopIteration:
            pass
        one.awaiting = None
        return False
    one.renewed = time.monotonic()
    return True


def _release(in_flight: Sequence[InFlightClaim]) -> None:
    for one in in_flight:
        one.steps.close()
        try:
            release(one.run, blame=one.broken)
        except ScrypathError as exc:  # the lease runs out instead
            logger.warning("a claim could not be released (%s)", exc.code)
