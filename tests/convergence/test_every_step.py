"""A process that is killed at any single point of the way leaves work that another one finishes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest
from sqlalchemy import Connection, delete, insert, update

from scrypath_celery.convergence import relay as relaying
from scrypath_celery.convergence.checkpoints import Await, Step, Steps
from scrypath_celery.convergence.converge import converge
from scrypath_celery.convergence.executor import claim
from scrypath_celery.ledger import works
from scrypath_celery.work import Mode, Operation
from tests.convergence.stage import Record, Stage
from tests.convergence.world import LEASE, UID, World

Change = Callable[[Connection], object]

CHANGES: dict[str, Change] = {
    "insert": lambda tx: tx.execute(insert(Record).values(id=1, version=2)),
    "update": lambda tx: tx.execute(update(Record).values(version=2)),
    "delete": lambda tx: tx.execute(delete(Record)),
}
TROUBLE = {Step.REPORTED, Step.PAUSED}
"""Steps that a claim takes only where something goes wrong."""


@pytest.fixture
def stage() -> Iterator[Stage]:
    with closing(Stage()) as stage:
        yield stage


@pytest.fixture
def world(stage: Stage) -> World:
    """A world in which nothing goes wrong by itself."""
    return World(stage, 1, crash=0, sleep=0, shutdown=0, hurry=0, lost=0, failing=0, writes=0)


def begin(world: World) -> Steps:
    attempt = claim(world.runtime, UID)
    assert attempt is not None
    return converge(attempt)


def steps(
    world: World, way: Steps, *, upto: int | None = None, after: Sequence[Step | Await] = ()
) -> list[Step | Await]:
    """Go on to so many steps of the way, to its end where `upto` is None; `after` are those that were taken."""
    taken = list(after)
    try:
        while upto is None or len(taken) < upto:
            last = taken[-1] if taken else None
            taken.append(way.send(world.engine.tasks(last.uids)) if isinstance(last, Await) else next(way))
    except StopIteration:
        assert upto is None
    return taken


def prepare(world: World, change: str) -> None:
    """Commit a change with its work; what is updated or deleted was indexed before."""
    if change != "insert":
        commit(world, CHANGES["insert"])
        steps(world, begin(world))
    commit(world, CHANGES[change])


def commit(world: World, change: Change) -> None:
    with world.stage.engine.begin() as connection:
        change(connection)
        works.write(connection, UID, Operation.UPSERT, ["1"], Mode.CELERY)


def recover(world: World) -> str:
    """Let the lease run out, and do what a relay and a worker do then."""
    world.stage.clock += LEASE + 1
    world.unchanged_during_count = 0
    relaying.relay(world.runtime, force=True)
    return world.run()


def way_of(world: World, change: str) -> list[Step | Await]:
    """The steps of a claim that nothing disturbs."""
    prepare(world, change)
    taken = steps(world, begin(world))
    world.begin()
    return taken


def test_a_way_without_trouble_passes_every_step_that_there_is(world: World) -> None:
    taken = {step for change in CHANGES for step in way_of(world, change) if not isinstance(step, Await)}
    assert taken == set(Step) - TROUBLE


@pytest.mark.parametrize("change", CHANGES)
def test_a_process_that_is_killed_anywhere_leaves_nothing_undone(world: World, change: str) -> None:
    ends = {}
    for number, point in enumerate([None, *way_of(world, change)]):
        prepare(world, change)
        way = begin(world)
        steps(world, way, upto=number)
        way.close()
        ends[number, point] = recover(world), len(world.engine.indexes[UID])
        world.begin()
    assert {point: end for point, end in ends.items() if end != ("equal", int(change != "delete"))} == {}
    assert len(ends) > 5


@pytest.mark.parametrize("change", CHANGES)
def test_a_process_that_sleeps_anywhere_past_its_lease_does_no_harm_when_it_wakes(world: World, change: str) -> None:
    ends = {}
    for number, point in enumerate([None, *way_of(world, change)]):
        prepare(world, change)
        way = begin(world)
        taken = steps(world, way, upto=number)
        commit(world, lambda tx: tx.execute(update(Record).values(version=3)))
        meanwhile = recover(world)
        steps(world, way, after=taken)
        ends[number, point] = meanwhile, recover(world), len(world.engine.indexes[UID])
        world.begin()
    assert {point: end for point, end in ends.items() if end != ("equal", "equal", int(change != "delete"))} == {}
    assert len(ends) > 5
