"""Dead letters are told once their transaction is committed, and with the task that held them."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import Connection

from scrypath_celery.ledger import Ledger, claims, works
from scrypath_celery.work import Claim, DeadLetter, Failure, Mode, Operation, ReasonClass
from tests.blog import Blog

FAILURE = Failure(reason_class=ReasonClass.SOURCE, reason="hangs", code="projection_hangs")


@pytest.fixture
def told() -> list[DeadLetter]:
    """What the ledger told."""
    return []


@pytest.fixture
def ledger(blog: Blog, told: list[DeadLetter]) -> Ledger:
    """The blog's ledger, which tells."""
    return Ledger(lambda: blog.engine, on_dead_letters=told.extend)


@pytest.fixture
def held(ledger: Ledger) -> Claim:
    """A claim of one work by the task `t`."""
    ledger.run(partial(works.write, index_uid="post", operation=Operation.UPSERT, ids=["1", "2"], mode=Mode.CELERY))
    found = ledger.run(lambda tx: claims.take(tx, "post", documents=9, lease=60.0, worker="w:1:1", task_id="t"))
    assert found is not None
    return found


def fail(connection: Connection, held: Claim, *, delay: float | None = None) -> None:
    works.fail(connection, held.token, held.works[0], FAILURE, ids=["2"], delay=delay)


def test_a_dead_letter_is_told_with_its_task(ledger: Ledger, held: Claim, told: list[DeadLetter]) -> None:
    ledger.run(partial(fail, held=held))
    [one] = told
    assert (one.id, one.index_uid, one.documents) == (held.works[0].id, "post", 1)
    assert (one.task_id, one.worker, one.code) == ("t", "w:1:1", "projection_hangs")


def test_a_retry_is_not_told(ledger: Ledger, held: Claim, told: list[DeadLetter]) -> None:
    ledger.run(partial(fail, held=held, delay=5.0))
    assert told == []


def test_what_is_rolled_back_is_not_told(ledger: Ledger, held: Claim, told: list[DeadLetter]) -> None:
    def failing(connection: Connection) -> None:
        fail(connection, held)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        ledger.run(failing)
    assert told == []


def test_a_claim_that_lost_its_work_tells_nothing(ledger: Ledger, held: Claim, told: list[DeadLetter]) -> None:
    ledger.run(lambda tx: works.give_back(tx, held.token, keep_claim_count=False))
    ledger.run(partial(fail, held=held))
    assert told == []
