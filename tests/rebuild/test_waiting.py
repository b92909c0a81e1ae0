"""A rebuild that has nothing to do but to wait: for the engine, and for nothing that is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

import scrypath_celery.rebuild.waiting as waiting
from scrypath_celery.convergence import poll
from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.ledger import submitted
from scrypath_celery.rebuild.waiting import Waiting
from scrypath_celery.work import EngineTask, State
from tests.rebuild.conftest import write
from tests.shop import Post, Shop


@pytest.fixture
def sent(filled: Shop) -> Shop:
    """The shop with two works that the engine was given in one claim, each with a task of its own."""
    runtime = filled.search.runtime
    one_each = replace(runtime, options=replace(runtime.options, payload_bytes=1))
    write(filled, 1, title="one")
    write(filled, 2, title="two")
    run_ready_works(one_each, uid(filled), seconds=60.0, wait=False)
    return filled


def uid(shop: Shop) -> str:
    return shop.search.schemas.of(Post).uid


def tasks_of(shop: Shop) -> list[int]:
    """The engine's tasks that are waited for, in its order."""
    return sorted(uid for row in shop.search.ledger.read(submitted.awaiting) for uid in row.engine_uids)


def pending(shop: Shop, monkeypatch: pytest.MonkeyPatch, *uids: int) -> list[set[int]]:
    """The engine says of these tasks that they are under way; what it is asked for from now on."""
    engine, asked = shop.search.runtime.engine, list[set[int]]()
    known: Callable[[Iterable[int]], dict[int, EngineTask]] = engine.tasks

    def tasks(wanted: Iterable[int]) -> dict[int, EngineTask]:
        wanted = set(wanted)
        asked.append(wanted)
        return {uid: replace(task, status="processing") if uid in uids else task for uid, task in known(wanted).items()}

    monkeypatch.setattr(engine, "tasks", tasks)
    return asked


def waits(shop: Shop, *, answers: Iterable[bool] = (), look: float = 3_600.0) -> Waiting:
    found = iter(answers)
    return Waiting(runtime=shop.search.runtime, uid=uid(shop), look=look, has_work=lambda tx: next(found))


def states(shop: Shop) -> list[State]:
    return [work.state for work in shop.works()[-2:]]


def test_what_the_engine_is_done_with_is_noted(sent: Shop) -> None:
    assert states(sent) == [State.SUBMITTED, State.SUBMITTED]
    one = waits(sent)
    while State.SUBMITTED in states(sent):
        one.wait()
    assert states(sent) == [State.SUCCEEDED, State.SUCCEEDED]


def test_a_wait_ends_where_the_ledger_has_work(sent: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    pending(sent, monkeypatch, *tasks_of(sent))
    monkeypatch.setattr(waiting, "FIRST", 3_600.0)
    answers = iter([False, False, True])
    waits(sent, answers=answers, look=0.0).wait()
    assert list(answers) == []  # it was asked until it said so
    assert states(sent) == [State.SUBMITTED, State.SUBMITTED]


def test_what_is_over_of_a_claim_is_polled_once(sent: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    _, second = tasks_of(sent)
    asked, polled = pending(sent, monkeypatch, second), list[int]()
    monkeypatch.setattr(waiting, "poll", lambda runtime: polled.append(poll.poll(runtime)))
    one = waits(sent)
    while not polled:
        one.wait()
    assert polled == [1]
    asked.clear()
    one.wait()
    assert polled == [1]
    assert asked
    assert all(uids == {second} for uids in asked)
