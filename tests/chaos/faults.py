"""The faults: each strikes, lasts some steps of the writer, and is lifted."""

from __future__ import annotations

import os
import random
import signal
from collections.abc import Callable, Iterator
from typing import Any

from tests.chaos.world import World

Fault = Callable[[World, random.Random], Iterator[int]]
"""Strikes, yields for how many steps of the writer it lasts, and lifts itself when it is resumed."""

DOCUMENTS = "/indexes/*/documents*"


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
    if not worker.running:
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
    if world.broker.running:
        world.broker.flush()
    yield 1


def broker_restarted(world: World, chance: random.Random) -> Iterator[int]:
    """The broker away for a while, and back empty."""
    if world.broker.running:
        world.broker.stop()
        yield chance.randint(5, 40)
        if not world.broker.running:
            world.broker.start()


def engine_restarted(world: World, chance: random.Random) -> Iterator[int]:
    """The engine stopped and started again."""
    world.restart_engine()
    yield 1


def database_cut(world: World, chance: random.Random) -> Iterator[int]:
    """Every connection to the database cut."""
    world.cut_database()
    yield 1


def engine_fault(kind: str, **options: Any) -> Fault:
    """A fault of the embedded engine on document requests, half of the time."""

    def fault(world: World, chance: random.Random) -> Iterator[int]:
        seed = chance.randrange(1_000_000)
        limits = {} if kind.endswith("_task") else {"path": DOCUMENTS}
        handle = world.engine.faults.add(kind, probability=0.5, seed=seed, **limits, **options)
        yield chance.randint(10, 60)
        handle.remove()

    fault.__name__ = "engine_" + "_".join([kind, *(str(value) for value in options.values() if value)])
    return fault


PROCESSES: tuple[Fault, ...] = (child_killed, worker_killed, worker_frozen)
BROKER: tuple[Fault, ...] = (messages_again, broker_flushed, broker_restarted)
DATABASE: tuple[Fault, ...] = (database_cut,)
ENGINE: tuple[Fault, ...] = (
    engine_restarted,
    engine_fault("refuse", status=503, retry_after=1),
    engine_fault("refuse", status=422),
    engine_fault("err", status=500),
    engine_fault("err", status=502),
    engine_fault("slow", seconds=0.3),
    engine_fault("cut_before"),
    engine_fault("cut_after"),
    engine_fault("register_later", seconds=2.5),
    engine_fault("truncate"),
    engine_fault("fail_task", code="internal", whole_batch=True),
    engine_fault("hang_task"),
    engine_fault("cancel_task"),
    engine_fault("vanish_task"),
)
