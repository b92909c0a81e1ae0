"""Workers that run a rebuild together hand it to each other without waiting for the relay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.rebuild import runner
from scrypath_celery.rebuild.begin import Asked, begin
from scrypath_celery.rebuild.held import Held
from scrypath_celery.runtime import Runtime
from scrypath_celery.work import Mode, Operation
from tests.shop import Post, Shop


@pytest.fixture
def nudges(filled: Shop) -> list[str]:
    """The indexes that were published."""
    return []


@pytest.fixture
def runtime(filled: Shop, nudges: list[str]) -> Runtime:
    """What works and nudges are published with, beside a backfill that nobody drives yet."""
    runtime = replace(
        filled.search.runtime, publish=lambda uid, ids, **about: nudges.append(uid) if ids == (0,) else None
    )
    held, _ = begin(
        runtime, runtime.schemas.of(Post), Asked(operation=Operation.BACKFILL, mode=Mode.CELERY, options={})
    )
    held.release()
    return runtime


def by_another(held: Held, runtime: Runtime) -> int:
    """Another worker runs the works, finds the rebuild taken, and is gone."""
    run_ready_works(runtime, "posts", seconds=10, follow=True)
    assert runner.drive(runtime, seconds=1) == 0
    return 0


def test_works_that_another_has_ended_meanwhile_are_no_reason_to_leave(
    filled: Shop, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_run_works", lambda held: by_another(held, runtime))
    assert runner.drive(runtime, seconds=10) == 1
    assert filled.search.rebuilds(Post)[0].finished_at is not None


def test_who_leaves_it_to_others_that_have_just_ended_nudges_the_next(
    runtime: Runtime, nudges: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([True, False])  # while it is held, and once it is let go
    monkeypatch.setattr(runner, "_run_works", lambda held: 0)
    monkeypatch.setattr(runner, "_others_are_at_it", lambda runtime, row: next(answers))
    runner.drive(runtime, seconds=10)
    assert nudges == ["posts"]


def test_who_leaves_it_to_others_that_go_on_nudges_nobody(
    runtime: Runtime, nudges: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_run_works", lambda held: 0)
    monkeypatch.setattr(runner, "_others_are_at_it", lambda runtime, row: True)
    runner.drive(runtime, seconds=10)
    assert nudges == []
