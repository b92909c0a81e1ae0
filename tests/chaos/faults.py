"""The faults: each strikes, lasts some steps of the writer, and is lifted."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from sqlalchemy import Connection, update

from scrypath_celery.errors import LedgerError
from scrypath_celery.ledger import tables
from tests.chaos.rival import Rival
from tests.chaos.world import World

Fault = Callable[[World, random.Random], Iterator[int]]
"""Strikes, yields for how many steps of the writer it lasts, and lifts itself when it is resumed."""

DOCUMENTS = "/indexes/*/documents*"
_TO_THE_END = 1_000_000


def child_killed(world: World, chance: random.Random) -> Iterator[int]:
    """kill -9 of a process of the pool."""
    children = world.workers[0].children() if world.workers[0].running else []
    if children:
        os.kill(chance.choice(children), signal.SIGKILL)
    yield 1


def worker_killed(world: World, chance: random.Random) -> Iterator[int]:
    """kill -9 of a worker's main process and its pool; started again at the end."""
    worker = chance.choice(world.workers)
    worker.kill()
    yield chance.randint(5, 30)
    if not worker.running and _broker_answers(world):  # otherwise it is started when all faults are over
        worker.start()


def worker_frozen(world: World, chance: random.Random) -> Iterator[int]:
    """SIGSTOP for longer than a lease."""
    worker = chance.choice(world.workers)
    if not worker.running:
        return
    worker.freeze()
    yield 120
    worker.thaw()


def messages_again(world: World, chance: random.Random) -> Iterator[int]:
    """Messages that come twice, and the last ones first."""
    tasks, queue = world.shop.app.tasks, world.shop.search.options.queue
    for start in reversed(range(1, 60, 5)):
        try:
            ids = list(reversed(range(start, start + 5)))
            tasks["scrypath.sync"].apply_async(args=("items", ids), queue=queue, retry=False)
        except Exception:  # noqa: BLE001 - the broker may be away as well
            break
    yield 1


def broker_flushed(world: World, chance: random.Random) -> Iterator[int]:
    """Every message lost."""
    if _broker_answers(world):
        world.forget_messages()
    yield 1


def broker_restarted(world: World, chance: random.Random) -> Iterator[int]:
    """The broker away for a while (a Redis is back empty)."""
    if world.broker.running:
        world.broker.stop()
        yield chance.randint(5, 40)
        if not world.broker.running:
            world.broker.start()


def broker_away(world: World, chance: random.Random) -> Iterator[int]:
    """The broker away until nothing is written any more."""
    if world.broker.running:
        world.broker.stop()
        yield _TO_THE_END
        if not world.broker.running:
            world.broker.start()


def broker_frozen(world: World, chance: random.Random) -> Iterator[int]:
    """A broker that takes connections and answers nothing."""
    if world.broker.running:
        world.broker.freeze()
        yield chance.randint(10, 60)
        if world.broker.running:
            world.broker.thaw()


def engine_restarted(world: World, chance: random.Random) -> Iterator[int]:
    """The engine stopped and started again."""
    world.restart_engine()
    yield 1


def engine_frozen(world: World, chance: random.Random) -> Iterator[int]:
    """An engine that accepts tasks and does none."""
    world.engine.freeze()
    yield chance.randint(20, 90)
    world.engine.thaw()


def database_cut(world: World, chance: random.Random) -> Iterator[int]:
    """Every connection to the database cut."""
    world.cut_database()
    yield 1


def rival(world: World, chance: random.Random) -> Iterator[int]:
    """Another writer of the application on the same rows in the opposite order: deadlocks, serialisation failures."""
    running = Rival(world.shop, seed=chance.randrange(1_000_000)).start()
    yield chance.randint(20, 60)
    running.stop()


def clock_stepped(world: World, chance: random.Random) -> Iterator[int]:
    """The clock of the ledger's database jumps: the same as if every time in the ledger moved the other way."""
    seconds = chance.choice([-3.0, -1.0, 5.0, 3_600.0])
    times = {
        tables.work: ("publish_after", "available_at"),
        tables.claim: ("lease_until", "watch_until"),
        tables.index: ("paused_until", "exclusive_until"),
        tables.ledger: ("relayed_at",),
    }
    for table, names in times.items():
        change = update(table).values({name: table.c[name] - seconds for name in names})
        with suppress(LedgerError):  # another fault may have taken the database
            world.shop.search.ledger.run(partial(Connection.execute, statement=change))
    yield 1


def _broker_answers(world: World) -> bool:
    return bool(world.broker.running and world.broker.answers())


def engine_fault(kind: str, **options: Any) -> Fault:
    """A fault of the embedded engine on document requests, half of the time."""

    def fault(world: World, chance: random.Random) -> Iterator[int]:
        seed = chance.randrange(1_000_000)
        limits: dict[str, Any] = {} if kind.endswith("_task") else {"path": DOCUMENTS}
        handle = world.engine.faults.add(kind, probability=0.5, seed=seed, **limits, **options)
        yield chance.randint(10, 60)
        handle.remove()

    fault.__name__ = "engine_" + "_".join([kind, *(str(value) for value in options.values() if value)])
    return fault


PROCESSES: tuple[Fault, ...] = (child_killed, worker_killed, worker_frozen)
BROKER: tuple[Fault, ...] = (messages_again, broker_flushed, broker_restarted, broker_away, broker_frozen)
DATABASE: tuple[Fault, ...] = (database_cut, rival, clock_stepped)
ENGINE: tuple[Fault, ...] = (
    engine_restarted,
    engine_frozen,
    engine_fault("refuse", status=503, retry_after=1),
    engine_fault("refuse", status=422),
    engine_fault("err", status=500),
    engine_fault("err", status=502),
    engine_fault("slow", seconds=0.3),
    engine_fault("hang"),
    engine_fault("cut_before"),
    engine_fault("cut_after"),
    engine_fault("register_later", seconds=2.5),
    engine_fault("truncate"),
    engine_fault("fail_task", code="internal", whole_batch=True),
    engine_fault("hang_task"),
    engine_fault("cancel_task"),
    engine_fault("vanish_task"),
)
