"""Running claims: several under way at once, one poll for all that they wait for."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ..errors import EngineError, ScrypathError
from ..ledger import claims, indexes, works
from ..ledger.claims import is_suspect
from ..runtime import Runtime, identity
from ..work import EngineTask, Operation
from .attempt import Attempt, Lost
from .converge import converge
from .outcome import Outcome
from .settle import release
from .step import Await, Steps

logger = logging.getLogger("scrypath_celery")

FLIGHTS = 4
"""Claims of one process that may be under way at once: the next payloads go out while the engine works on the last."""
GROWTH = 1.2
"""How the wait between two polls grows: it stays at about a sixth of the time waited so far."""


@dataclass(kw_only=True)
class Flight:
    """A claim under way: what it waits for, since when, and when it was last renewed.

    `broken` is one that ended with an error that nobody foresaw.
    """

    attempt: Attempt
    steps: Steps
    wish: Await | None = None
    since: float = 0.0
    renewed: float = 0.0
    broken: bool = False


def claim(
    runtime: Runtime,
    uid: str,
    *,
    only: Sequence[int] | None = None,
    task_id: str | None = None,
    suspects: bool = True,
) -> Attempt | None:
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
    )
    held = runtime.ledger.run(lambda tx: take(tx))
    if held is None:
        return None
    if held.works[0].operation is not Operation.REINDEX:
        return Attempt(runtime=runtime, claim=held, schema=schema, index=runtime.uid_of(schema))
    row = runtime.ledger.run(lambda tx: indexes.get(tx, uid))
    target = row.rebuild.get("target") if row and row.rebuild else None
    if target is None:  # its rebuild was given up
        runtime.ledger.run(lambda tx: works.abandon(tx, held.token))
        return claim(runtime, uid, only=only, task_id=task_id, suspects=suspects)
    runtime.ledger.run(lambda tx: claims.target(tx, held.token, target))
    return Attempt(runtime=runtime, claim=held, schema=schema, index=target, to_target=True)


def work_off(
    runtime: Runtime,
    uid: str,
    *,
    seconds: float,
    only: Sequence[int] | None = None,
    task_id: str | None = None,
    wait: bool = True,
) -> Outcome:
    """Claim and converge what is ready of one index until nothing is, or `seconds` are over.

    `only` names the works to take; `wait=False` leaves the last wait of each claim out (its works end `submitted`).
    Whatever stops this process releases its claims.

    Raises:
        LedgerError: the ledger cannot be used.
    """
    total, flights, end = Outcome(), list[Flight](), time.monotonic() + seconds
    more = True
    try:
        while True:
            if more and _room(flights) and time.monotonic() < end:
                attempt = claim(runtime, uid, only=only, task_id=task_id, suspects=not flights)
                more = attempt is not None
                if attempt is not None:
                    flight = Flight(attempt=attempt, steps=converge(attempt), renewed=time.monotonic())
                    flights.append(flight)
                    _advance(flight, None, wait)
            elif not flights:
                return total
            else:
                _poll(runtime, flights, wait)
            for flight in [flight for flight in flights if flight.wish is None]:
                flights.remove(flight)
                total.add(flight.attempt.outcome)
                more = more and flight.attempt.outcome.paused is None
    except BaseException:
        _release(flights)
        raise


def _room(flights: Sequence[Flight]) -> bool:
    """Whether another claim may be under way beside these."""
    return len(flights) < FLIGHTS and not any(is_suspect(flight.attempt.claim.works[0]) for flight in flights)


def _advance(flight: Flight, answer: dict[int, EngineTask] | None, wait: bool) -> None:
    """Run a flight up to its next wait, or to its end (then `wish` is None)."""
    try:
        found = flight.steps.send(answer) if flight.wish is not None else next(flight.steps)
        while True:
            if isinstance(found, Await):
                if found.last and not wait:
                    found = flight.steps.send(None)
                    continue
                flight.wish, flight.since = found, time.monotonic()
                flight.renewed = flight.since
                return
            found = next(flight.steps)
    except StopIteration:
        flight.wish = None
    except ScrypathError:
        raise
    except Exception:
        flight.broken = True
        raise


def _poll(runtime: Runtime, flights: list[Flight], wait: bool) -> None:
    """Ask the engine for all that the flights wait for, until one of them can go on."""
    options, interval, pause = runtime.options, runtime.options.poll_first, threading.Event()
    while True:
        wanted = frozenset[int]().union(*(flight.wish.uids for flight in flights if flight.wish))
        try:
            tasks: dict[int, EngineTask] | None = runtime.engine.tasks(wanted)
        except EngineError:
            tasks = None
        moved = False
        for flight in list(flights):
            answer = _answer(flight, tasks)
            over = time.monotonic() - flight.since > options.await_seconds
            if tasks is None or over or (answer is not None and all(task.terminal for task in answer.values())):
                moved = True
                _advance(flight, answer, wait)
            elif time.monotonic() - flight.renewed > options.lease / 4:
                moved |= not _renew(flight)
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


def _answer(flight: Flight, tasks: dict[int, EngineTask] | None) -> dict[int, EngineTask] | None:
    if tasks is None or flight.wish is None:
        return None
    return {uid: tasks[uid] for uid in flight.wish.uids if uid in tasks}


def _renew(flight: Flight) -> bool:
    """Renew a lease during a wait; false where it is gone, and the flight has ended with its report."""
    try:
        flight.attempt.look()
    except Lost as lost:
        try:
            flight.steps.throw(lost)
            for _ in flight.steps:
                continue
        except StopIteration:
            pass
        flight.wish = None
        return False
    flight.renewed = time.monotonic()
    return True


def _release(flights: Sequence[Flight]) -> None:
    for flight in flights:
        flight.steps.close()
        try:
            release(flight.attempt, blame=flight.broken)
        except ScrypathError as exc:  # the lease runs out instead
            logger.warning("a claim could not be released (%s)", exc.code)
