"""Status."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from scrypath_celery.ledger import indexes, overview, workers
from scrypath_celery.operator.broker import AnsweringWorker, Broker
from scrypath_celery.operator.status import Status, status
from scrypath_celery.work import Failure, ReasonClass, State
from tests.deadline import eventually
from tests.integration.operator.conftest import write
from tests.shop import Shop


def look(shop: Shop, broker: Broker | None = None) -> Status:
    asked = None if broker is None else lambda: broker
    return status(shop.search.runtime, list(shop.search.schemas), broker=asked)


def test_a_quiet_shop_has_nothing_pending_and_nothing_unknown(shop: Shop) -> None:
    found = look(shop)
    [post] = found.indexes
    assert found.unknown == ()
    assert (post.engine.pending, post.engine.failed, post.queue.open, post.queue.failed) == (0, 0, 0, 0)
    assert (post.queue.oldest_due_age, post.queue.last_succeeded, post.pause) == (None, None, None)


def test_works_are_counted_by_their_state(shop: Shop) -> None:
    for number, state in enumerate(State):
        for _ in range(number + 1):
            write(shop, state)
    [post] = look(shop).indexes
    expected = {state: number + 1 for number, state in enumerate(State)}
    shown = {
        State(name): getattr(post.queue, name) for name in ("pending", "running", "submitted", "retrying", "failed")
    }
    assert shown == {state: expected[state] for state in shown}


@pytest.mark.parametrize("state", [State.PENDING, State.RETRYING, State.RUNNING, State.SUBMITTED])
def test_an_age_counts_from_when_a_work_was_due(shop: Shop, state: State) -> None:
    now = shop.search.ledger.read(overview.time)
    write(shop, State.SUCCEEDED, created_at=0.0, available_at=0.0)
    write(shop, state, created_at=0.0, available_at=now - 100.0)
    [post] = look(shop).indexes
    assert post.queue.oldest_due_age == pytest.approx(100.0, abs=30.0)


def test_what_waits_for_a_later_try_is_not_due(shop: Shop) -> None:
    write(shop, State.RETRYING, created_at=0.0, available_at=4e9)
    [post] = look(shop).indexes
    assert post.queue.oldest_due_age is None


def test_what_succeeded_last_is_dated_on_both_sides(shop: Shop) -> None:
    shop.add(1)
    shop.search.drain()
    [post] = look(shop).indexes
    assert post.queue.last_succeeded is not None
    assert post.engine.last_succeeded is not None


def test_a_pause_says_why_and_when_it_is_tried_next(shop: Shop) -> None:
    failure = Failure(reason_class=ReasonClass.AUTH, reason="the key was refused")

    def pause(tx: object) -> None:
        indexes.ensure(tx, "posts")  # type: ignore[arg-type]
        indexes.pause(tx, "posts", failure, 30.0)  # type: ignore[arg-type]

    shop.search.ledger.run(pause)
    [post] = look(shop).indexes
    assert post.pause is not None
    assert (post.pause.reason_class, post.pause.reason) == (ReasonClass.AUTH, "the key was refused")
    assert post.pause.next_probe is not None
    assert post.pause.since is not None
    assert post.pause.next_probe > post.pause.since


def test_an_engine_that_is_away_is_unknown_and_the_ledger_is_shown_all_the_same(shop: Shop) -> None:
    write(shop, State.PENDING)
    with shop.search.override(meilisearch_url="http://127.0.0.1:1", index_prefix=shop.setup.index_prefix):
        found = look(shop)
    [post] = found.indexes
    assert post.engine.pending is None
    assert post.engine.unknown is not None
    assert found.unknown == (post.engine.unknown,)
    assert post.queue.pending == 1


def test_a_ledger_that_is_away_is_unknown_and_the_engine_is_shown_all_the_same(shop: Shop) -> None:
    with shop.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE scrypath_work")
    with shop.search.override(**shop.setup.options, meilisearch_url=shop.setup.meilisearch_url):
        found = look(shop)
    [post] = found.indexes
    assert post.queue.pending is None
    assert post.queue.unknown is not None
    assert "ledger upgrade" in post.queue.unknown
    assert post.engine.pending == 0


def test_open_work_of_an_index_that_nobody_declares_is_told(shop: Shop) -> None:
    write(shop, State.PENDING, uid="forgotten")
    write(shop, State.FAILED, uid="forgotten")
    assert look(shop).undeclared == {"forgotten": 1}


@pytest.mark.parametrize(("declares", "known"), [(("posts",), True), (("users",), False)])
def test_an_index_is_known_where_a_worker_on_the_queue_declares_it(
    shop: Shop, declares: tuple[str, ...], known: bool
) -> None:
    other = AnsweringWorker(name="other", queues=("celery",), declares=("posts",))
    ours = AnsweringWorker(name="ours", queues=("search_sync",), declares=declares)
    broker = Broker(url="redis://", queue="search_sync", depth=0, workers=(other, ours))
    [post] = look(shop, broker).indexes
    assert post.known_to_workers is known


def test_a_failed_engine_task_is_counted(shop: Shop) -> None:
    runtime = shop.search.runtime
    index = runtime.uid_of(shop.search.schemas.of("Post"))
    runtime.engine.create(index, "id")
    uid = runtime.engine.add(index, b'[{"no": "id"}]', key="id", token="test")
    eventually(lambda: runtime.engine.tasks([uid])[uid].terminal, what="the engine has judged the document")
    [post] = look(shop).indexes
    assert post.engine.failed == 1


def test_a_worker_that_answers_the_second_time_is_not_silent(shop: Shop) -> None:
    for name in ("quick", "slow", "frozen"):
        shop.search.ledger.run(partial(workers.note, name=name))
    quick, slow = (AnsweringWorker(name=name, queues=("search_sync",)) for name in ("quick", "slow"))
    broker = Broker(url="redis://", queue="search_sync", depth=0, workers=(quick,))
    answers = [broker, replace(broker, workers=(slow,))]
    found = status(shop.search.runtime, list(shop.search.schemas), broker=lambda: answers.pop(0), seconds=30.0)
    assert {one.name: one.answers for one in found.workers} == {"frozen": False, "quick": True, "slow": True}
