"""The relay's cost, and what workers make of messages and rows of another release."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select, update

from scrypath_celery.convergence.relay import relay, watch
from scrypath_celery.convergence.summary import Summary
from scrypath_celery.errors import LedgerOutdated, NotUnderstood
from scrypath_celery.ledger import indexes, tables, works
from scrypath_celery.work import Cause, ClaimState, Failure, ReasonClass, State
from scrypath_celery.worker import messages, tasks
from tests.chaos.world import World, world

AT_REST = 20
"""Statements of one pass that finds nothing, at most; it was 13 when this was written."""


@pytest.fixture
def alone(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """An application without a worker: works are run here, by `drain`."""
    with world(sqlite_url, "memory://", tmp_path, pools=()) as made:
        made.write({1: 1})
        made.shop.search.drain()
        yield made


@contextmanager
def _statements(made: World) -> Iterator[list[str]]:
    seen: list[str] = []

    def see(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "ROLLBACK")):
            seen.append(statement)

    event.listen(made.shop.engine, "before_cursor_execute", see)
    try:
        yield seen
    finally:
        event.remove(made.shop.engine, "before_cursor_execute", see)


def test_a_pass_that_finds_nothing_is_a_few_statements_and_one_not_due_is_one(alone: World) -> None:
    runtime = alone.shop.search.runtime
    relay(runtime, force=True)
    with _statements(alone) as seen:
        assert relay(runtime, force=True)
    assert 0 < len(seen) <= AT_REST
    with _statements(alone) as seen:
        assert relay(runtime) is None
    assert len([statement for statement in seen if statement.startswith("UPDATE")]) == 1


def test_watching_many_loose_claims_is_no_more_statements_than_watching_one(alone: World) -> None:
    row = {
        "index_uid": "items",
        "state": ClaimState.UNRESOLVED.value,
        "lease_until": 0.0,
        "ids": ["1"],
        "engine_uids": [],
        "unanswered": 1,
        "seen_uid": 0,
        "watch_until": 1e12,
        "created_at": 0.0,
    }
    runtime = alone.shop.search.runtime
    counts = []
    for start, many in ((100, 1), (200, 300)):
        rows = [{**row, "token": f"token{start + number}", "number": start + number} for number in range(many)]
        runtime.ledger.run(partial(Connection.execute, statement=insert(tables.claim), parameters=rows))
        with _statements(alone) as seen:
            assert watch(runtime) == 0
        counts.append(len(seen))
    assert counts[0] == counts[1]
    behind = select(func.count()).where(
        tables.claim.c.state == ClaimState.UNRESOLVED.value, tables.claim.c.seen_uid == 0
    )
    assert runtime.ledger.run(lambda tx: tx.execute(behind).scalar_one()) == 0


def test_a_message_for_a_paused_index_is_left_to_the_relay(alone: World) -> None:
    published: list[Any] = []
    runtime = replace(alone.shop.search.runtime, publish=lambda uid, ids, **about: published.append(ids))
    ids = alone.write({2: 2})
    away = Failure(reason_class=ReasonClass.TRANSPORT, reason="away")
    runtime.ledger.run(lambda tx: indexes.pause(tx, "items", away, 60.0))
    silent: Any = SimpleNamespace(works=lambda total: None, rebuild=lambda row, *counts: None)
    task = SimpleNamespace(request=SimpleNamespace(id="task", delivery_info=None), app=alone.shop.app)
    outcome = Summary()
    tasks._work(task, runtime, "items", ids, Cause.SYNC, silent, outcome)
    assert outcome.claims == 0
    assert published == []


def test_a_row_of_a_newer_release_is_left_alone_and_refused_by_name(alone: World) -> None:
    (newer,) = alone.write({2: 2})
    alone.write({3: 3})
    ledger = alone.shop.search.ledger
    ledger.run(lambda tx: tx.execute(update(tables.work).where(tables.work.c.id == newer).values(operation="embed")))
    alone.shop.search.drain()
    assert alone.documents() == {1: 1, 3: 3}
    states = ledger.read(works.counts)
    assert states == {"items": {State.PENDING: 1}}
    with pytest.raises(LedgerOutdated, match=f"work {newer} is of a newer release .*'embed'"):
        ledger.read(lambda tx: works.get(tx, newer))


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [(("items", [1], "more"), {}), (("items", [1]), {"more": 1}), (("items",), {}), (("items", {"ids": [1]}), {})],
    ids=["an argument more", "a keyword more", "an argument less", "another shape"],
)
def test_a_message_of_another_release_is_refused_by_name(alone: World, args: Any, kwargs: Any) -> None:
    result = alone.shop.app.tasks[messages.SYNC].apply(args=args, kwargs=kwargs)
    assert isinstance(result.result, NotUnderstood)
    assert isinstance(alone.shop.app.tasks[messages.RELAY].apply(args=("more",)).result, NotUnderstood)
