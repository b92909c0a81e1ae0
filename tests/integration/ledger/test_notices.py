"""What happens in a transaction of the ledger is told once that is committed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from scrypath_celery.ledger import Ledger, claims, indexes, works
from scrypath_celery.notices import Claimed, DeadLetter, IndexPaused, IndexResumed, Notice, WorkEnqueued
from scrypath_celery.work import Claim, Failure, Mode, Operation, ReasonClass, Scope
from tests.blog import Blog

FAILURE = Failure(reason_class=ReasonClass.SOURCE, reason="hangs", code="projection_hangs")
UNREACHABLE = Failure(reason_class=ReasonClass.TRANSPORT, reason="it does not answer", scope=Scope.ENGINE)
REFUSED = Failure(reason_class=ReasonClass.AUTH, reason="the key was rotated", scope=Scope.ENGINE)


@pytest.fixture
def told() -> list[Notice]:
    """What the ledger told."""
    return []


@pytest.fixture
def ledger(blog: Blog, told: list[Notice]) -> Ledger:
    """The blog's ledger, which tells."""
    return Ledger(lambda: blog.engine, tell=told.extend)


@pytest.fixture
def held(ledger: Ledger, told: list[Notice]) -> Claim:
    """A claim of one work by the task `t`; what was told up to it is forgotten."""
    ledger.run(partial(works.write, index_uid="post", operation=Operation.UPSERT, ids=["1", "2"], mode=Mode.CELERY))
    found = ledger.run(lambda tx: claims.take(tx, "post", documents=9, lease=60.0, worker="w:1:1", task_id="t"))
    assert found is not None
    told.clear()
    return found


def fail(connection: Connection, held: Claim, *, delay: float | None = None, by_runner: bool = False) -> None:
    works.fail(connection, held.token, held.works[0], FAILURE, ids=["2"], delay=delay, by_runner=by_runner)


def test_works_are_told_when_they_are_written_and_claimed(ledger: Ledger, told: list[Notice]) -> None:
    write = partial(works.write, index_uid="post", operation=Operation.UPSERT, ids=["1", "2"], mode=Mode.CELERY)
    written = ledger.run(write)
    ledger.run(lambda tx: claims.take(tx, "post", documents=9, lease=60.0, worker="w:1:1"))
    about: dict[str, Any] = {"index_uid": "post", "operation": Operation.UPSERT, "works": written, "documents": 2}
    assert told == [WorkEnqueued(**about), Claimed(**about, number=1)]


def test_a_dead_letter_is_told_with_its_task(ledger: Ledger, held: Claim, told: list[Notice]) -> None:
    ledger.run(partial(fail, held=held))
    assert told == [
        DeadLetter(
            id=held.works[0].id,
            index_uid="post",
            documents=1,
            reason_class=ReasonClass.SOURCE,
            code="projection_hangs",
            task_id="t",
        )
    ]


@pytest.mark.parametrize("by_runner", [True, False])
def test_the_task_tells_of_what_its_own_claim_settled(
    ledger: Ledger, held: Claim, told: list[Notice], by_runner: bool
) -> None:
    ledger.run(partial(fail, held=held, by_runner=by_runner))
    [one] = told
    assert isinstance(one, DeadLetter)
    assert one.told_by_task is by_runner


def test_a_retry_is_no_dead_letter(ledger: Ledger, held: Claim, told: list[Notice]) -> None:
    ledger.run(partial(fail, held=held, delay=5.0))
    assert told == []


def test_what_is_rolled_back_is_not_told(ledger: Ledger, held: Claim, told: list[Notice]) -> None:
    def failing(connection: Connection) -> None:
        fail(connection, held)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ledger.run(failing)
    assert told == []


def test_what_stays_in_a_transaction_of_somebody_else_is_not_told(ledger: Ledger, told: list[Notice]) -> None:
    with ledger.database.connect() as connection:
        ledger.on(connection).run(partial(indexes.pause_by_hand, uid="post", by="ann", reason="upgrade"))
        connection.rollback()
    assert told == []


def test_a_claim_that_lost_its_work_tells_nothing(ledger: Ledger, held: Claim, told: list[Notice]) -> None:
    ledger.run(lambda tx: works.give_back(tx, held.token, keep_claim_count=False))
    ledger.run(partial(fail, held=held))
    assert told == []


def test_a_pause_is_told_when_it_begins_and_not_with_each_probe(ledger: Ledger, told: list[Notice]) -> None:
    ledger.run(lambda tx: indexes.ensure(tx, "post"))
    for failure in (UNREACHABLE, UNREACHABLE, REFUSED, REFUSED):
        ledger.run(partial(indexes.pause, uid="post", failure=failure, delay=5.0))
    pause = partial(IndexPaused, index_uid="post", scope=Scope.ENGINE, seconds=5.0)
    assert told == [pause(reason_class=ReasonClass.TRANSPORT), pause(reason_class=ReasonClass.AUTH)]


def test_the_end_of_a_pause_is_told_once_with_its_length(ledger: Ledger, told: list[Notice]) -> None:
    ledger.run(lambda tx: indexes.ensure(tx, "post"))
    ledger.run(partial(indexes.pause, uid="post", failure=UNREACHABLE, delay=5.0))
    told.clear()
    assert [ledger.run(partial(indexes.resume, uid="post")) for _ in range(2)] == [True, False]
    [ended] = told
    assert isinstance(ended, IndexResumed)
    assert (ended.by_hand, 0 <= ended.seconds < 5) == (False, True)


def test_a_pause_by_hand_is_told_once_though_its_reason_changes(ledger: Ledger, told: list[Notice]) -> None:
    for reason in ("upgrade", "still the upgrade"):
        ledger.run(partial(indexes.pause_by_hand, uid="post", by="ann", reason=reason))
    for _ in range(2):
        ledger.run(partial(indexes.resume_by_hand, uid="post"))
    assert [type(one) for one in told] == [IndexPaused, IndexResumed]
    assert told[0] == IndexPaused(index_uid="post", by_hand=True)
