"""Bulk works: handed over as soon as they are sent, and held back while single changes come in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, update

from scrypath_celery.convergence.executor import _Run, run_ready_works
from scrypath_celery.convergence.relay import relay
from scrypath_celery.convergence.settle import release
from scrypath_celery.ledger import backlog, tables, works
from scrypath_celery.ledger.clock import now
from scrypath_celery.operator.work_detail import story
from scrypath_celery.work import BULK, MAX_IDS, Mode, Operation, State
from tests.chaos.shop import Item
from tests.chaos.world import World, world
from tests.deadline import eventually

SECONDS = 30.0
GEO = "invalid_document_geo_field"


@pytest.fixture
def alone(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """An application without a worker: works are run here. Its index is there, and nothing is left to do."""
    options = {"claim_documents": 3, "bulk_documents": 4, "relay_period": 3600.0, "await_seconds": 20.0}
    with world(sqlite_url, "memory://", tmp_path, pools=(), options=options) as made:
        made.write({0: 0})
        made.shop.search.drain()
        yield made


def fill(made: World, ids: Sequence[int]) -> None:
    """Items that no work names yet, and works of a backfill for them, two documents each."""
    with made.shop.session.begin() as session:
        session.add_all([Item(id=id, version=id) for id in ids])
    for start in range(0, len(ids), 2):
        chosen = [str(id) for id in ids[start : start + 2]]
        write = partial(works.write, index_uid="items", operation=Operation.BACKFILL, ids=chosen, mode=Mode.CELERY)
        made.shop.search.ledger.run(write)


def forget_changes(made: World) -> None:
    """Let the single changes so far be long ago."""
    values = {"finished_at": now() - 3600.0}
    made.shop.search.ledger.run(lambda tx: tx.execute(update(tables.work).values(**values)))


def bulk_states(made: World) -> dict[State, int]:
    """How many works of backfills are in each state."""
    query = select(tables.work.c.state).where(tables.work.c.operation == Operation.BACKFILL.value)
    found = [State(state) for state in made.shop.search.ledger.read(lambda tx: tx.execute(query)).scalars()]
    return {state: found.count(state) for state in found}


def test_bulk_works_are_handed_over_without_a_wait_and_concluded_by_the_next_call(alone: World) -> None:
    fill(alone, range(1, 11))
    alone.engine.freeze()
    search = alone.shop.search
    outcome = run_ready_works(search.runtime, "items", seconds=SECONDS)
    assert len(outcome.submitted) == 5
    assert bulk_states(alone) == {State.SUBMITTED: 5}
    alone.engine.thaw()

    def concluded() -> bool:
        run_ready_works(search.runtime, "items", seconds=SECONDS)
        return bulk_states(alone) == {State.SUCCEEDED: 5}

    eventually(concluded, what="the works are concluded")
    assert alone.documents() == {id: id for id in range(11)}


def test_a_call_that_follows_bulk_works_waits_for_them(alone: World) -> None:
    fill(alone, range(1, 11))
    run_ready_works(alone.shop.search.runtime, "items", seconds=SECONDS, follow=True)
    assert bulk_states(alone) == {State.SUCCEEDED: 5}


def test_a_bulk_work_that_the_engine_failed_is_judged_by_who_runs_it_next(alone: World) -> None:
    alone.engine.faults.add("fail_task", document="3", code=GEO, whole_batch=True)
    fill(alone, range(1, 11))
    search = alone.shop.search

    def over() -> bool:
        run_ready_works(search.runtime, "items", seconds=SECONDS)
        states = bulk_states(alone)
        return states.keys() <= {State.SUCCEEDED, State.FAILED}

    eventually(over, what="every work has its verdict")
    assert bulk_states(alone) == {State.SUCCEEDED: 4, State.FAILED: 1}
    assert alone.documents() == {id: id for id in range(11) if id != 3}


def test_single_changes_are_claimed_before_bulk_works_that_are_older(alone: World) -> None:
    fill(alone, range(1, 5))
    [change] = alone.write({100: 100})
    alone.engine.freeze()
    search = alone.shop.search
    run_ready_works(search.runtime, "items", seconds=0.5)
    numbers = {work.id: work.claim_number for work in search.ledger.read(partial(works.listed, states=list(State)))}
    assert numbers[change] == min(number for id, number in numbers.items() if number and id != min(numbers))


def test_a_call_that_has_time_for_three_claims_takes_a_bulk_one(alone: World) -> None:
    fill(alone, range(1, 5))
    alone.write({id: id for id in range(100, 110)})
    with alone.shop.search.override(claim_documents=1):
        runtime = alone.shop.search.runtime
        call = _Run(runtime=runtime, uid="items", only=None, task_id=None, wait=True, follow=False, end=0.0)
        taken = [call._next() for _ in range(3)]
    assert [run.claim.works[0].operation in BULK for run in taken if run] == [False, False, True]
    for run in filter(None, taken):
        release(run)


def test_beside_single_changes_bulk_is_held_back_and_the_relay_goes_on_with_it(
    alone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scrypath_celery.convergence.bulk.UNMEASURED", MAX_IDS + 3)
    fill(alone, range(1, 11))
    search = alone.shop.search
    alone.engine.freeze()
    outcome = run_ready_works(search.runtime, "items", seconds=SECONDS)
    assert outcome.held_back
    assert bulk_states(alone) == {State.SUBMITTED: 2, State.PENDING: 3}
    oldest = min(work.id for work in search.ledger.read(partial(works.listed, states=[State.PENDING])))
    soon = select(tables.work.c.id).where(tables.work.c.publish_after <= now() + 2.1)
    assert oldest in search.ledger.read(lambda tx: tx.execute(soon)).scalars().all()
    alone.engine.thaw()

    def gone_on() -> bool:
        relay(search.runtime, force=True)
        run_ready_works(search.runtime, "items", seconds=SECONDS)
        return bulk_states(alone) == {State.SUCCEEDED: 5}

    eventually(gone_on, what="the rest went on")


def test_without_single_changes_bulk_is_not_held_back(alone: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scrypath_celery.convergence.bulk.UNMEASURED", MAX_IDS + 3)
    forget_changes(alone)
    fill(alone, range(1, 11))
    alone.engine.freeze()
    outcome = run_ready_works(alone.shop.search.runtime, "items", seconds=SECONDS)
    assert not outcome.held_back
    assert bulk_states(alone) == {State.SUBMITTED: 5}


def test_what_is_on_its_way_is_bounded_by_bytes_too(alone: World) -> None:
    forget_changes(alone)
    fill(alone, range(1, 11))
    alone.engine.freeze()
    with alone.shop.search.override(**{**vars(alone.shop.search.options), "bulk_bytes": 500}) as search:
        outcome = run_ready_works(search.runtime, "items", seconds=SECONDS)
    assert outcome.held_back
    assert State.PENDING in bulk_states(alone)


def test_a_change_that_comes_while_others_are_waited_for_is_claimed_at_once(alone: World) -> None:
    alone.write({1: 1})
    alone.engine.freeze()
    search, second = alone.shop.search, list[int]()
    tasks = search.runtime.engine.tasks

    def asked(uids: object) -> object:
        if not second:
            second.extend(alone.write({2: 2}))
        elif alone.states()[State.RUNNING] == 2:
            alone.engine.thaw()
        return tasks(uids)  # type: ignore[arg-type]

    search.runtime.engine.tasks = asked  # type: ignore[method-assign, assignment]
    outcome = run_ready_works(search.runtime, "items", seconds=SECONDS)
    assert second[0] in outcome.succeeded
    assert alone.documents() == {0: 0, 1: 1, 2: 2}


def test_at_the_end_of_its_time_a_call_hands_over_what_it_waits_for(alone: World) -> None:
    ids = alone.write({1: 1, 2: 2})
    alone.engine.freeze()
    outcome = run_ready_works(alone.shop.search.runtime, "items", seconds=0.5)
    assert sorted(outcome.submitted) == ids
    assert alone.states()[State.SUBMITTED] == 2


def test_the_backlog_counts_bulk_that_is_on_its_way_and_sees_changes(alone: World) -> None:
    ledger = alone.shop.search.ledger
    assert ledger.read(partial(backlog.look, recent=60.0)).live
    forget_changes(alone)
    assert not ledger.read(partial(backlog.look, recent=60.0)).live
    fill(alone, range(1, 5))
    assert ledger.read(partial(backlog.look, recent=60.0)).documents == 0
    alone.engine.freeze()
    run_ready_works(alone.shop.search.runtime, "items", seconds=SECONDS)
    assert ledger.read(partial(backlog.look, recent=60.0)).documents == 4


def test_the_engines_pace_is_read_from_its_newest_batches(alone: World) -> None:
    alone.write({id: id for id in range(1, 6)})
    alone.shop.search.drain()
    batches = alone.shop.search.runtime.engine.newest_batches()
    assert sum(documents for documents, _ in batches) == 6
    assert all(seconds >= 0 for _, seconds in batches)


def test_the_story_of_a_work_says_how_its_documents_are_read(alone: World) -> None:
    [id] = alone.write({1: 1})
    assert story(alone.shop.search.runtime, id).read_as == "records"
