"""How a task ends says what became of its works, whoever settled them."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded

from scrypath_celery.convergence.summary import Summary
from scrypath_celery.errors import DeadLettered, LedgerUnavailable
from scrypath_celery.ledger import claims, works
from scrypath_celery.work import Cause, Claim, Failure, Mode, Operation, ReasonClass
from scrypath_celery.worker import tasks
from scrypath_celery.worker.ending import Ending, what_became
from tests.blog import Blog, Page

FAILURE = Failure(reason_class=ReasonClass.SOURCE, reason="hangs", code="projection_hangs")
LOST_WORKER: dict[str, Any] = {"delivery_info": {"redelivered": True}}


def request(*, retries: int = 0, delivery_info: dict[str, Any] | None = None) -> Any:
    return SimpleNamespace(id="t", retries=retries, delivery_info=delivery_info)


@pytest.fixture
def held(blog: Blog) -> Claim:
    """A work that the task `t` has claimed."""
    write = partial(works.write, index_uid="post", operation=Operation.UPSERT, ids=["1"], mode=Mode.CELERY)
    blog.runtime.ledger.run(write)
    take = partial(claims.take, uid="post", documents=9, lease=60.0, worker="w:1:1", task_id="t")
    found = blog.runtime.ledger.run(take)
    assert found is not None
    return found


def give_up(blog: Blog, held: Claim, *, delay: float | None, **how: Any) -> None:
    """What the relay does with the work of a claim that ended."""
    item = held.works[0]
    blog.runtime.ledger.run(lambda tx: works.fail(tx, held.token, item, FAILURE, ids=["1"], delay=delay, **how))


def ended(blog: Blog, held: Claim, asked: Any, *, lost: bool = False) -> Ending:
    return what_became(blog.runtime, asked, "post", [held.works[0].id], Summary(lost=lost))


@pytest.mark.parametrize(
    ("asked", "lost"), [(request(), True), (request(**LOST_WORKER), False), (request(retries=1), False)]
)
def test_a_task_whose_work_was_given_up_fails_with_its_id(blog: Blog, held: Claim, asked: Any, lost: bool) -> None:
    give_up(blog, held, delay=None)
    id, found = held.works[0].id, ended(blog, held, asked, lost=lost)
    assert (found.failed, found.codes) == ({id: ReasonClass.SOURCE}, {id: "projection_hangs"})
    assert found.elsewhere


@pytest.mark.parametrize(("asked", "lost"), [(request(), True), (request(**LOST_WORKER), False)])
def test_a_task_whose_work_waits_for_another_try_comes_again(blog: Blog, held: Claim, asked: Any, lost: bool) -> None:
    give_up(blog, held, delay=30.0)
    found = ended(blog, held, asked, lost=lost)
    assert (found.failed, found.waiting) == ({}, [held.works[0].id])
    assert found.retry_in > 0


def test_a_work_that_another_task_holds_is_its_affair(blog: Blog, held: Claim) -> None:
    give_up(blog, held, delay=None)
    asked = request(**LOST_WORKER)
    asked.id = "another"
    assert ended(blog, held, asked) == Ending()


def test_a_task_that_settled_its_work_itself_says_so(blog: Blog, held: Claim) -> None:
    id = held.works[0].id
    outcome = Summary(failed={id: ReasonClass.SOURCE}, codes={id: "projection_hangs"})
    found = what_became(blog.runtime, request(**LOST_WORKER), "post", [id], outcome)
    assert (found.failed, found.codes, found.elsewhere) == (outcome.failed, outcome.codes, False)


def test_a_message_whose_work_is_settled_is_only_a_nudge(blog: Blog, held: Claim) -> None:
    give_up(blog, held, delay=None)
    assert ended(blog, held, request()) == Ending()


@pytest.mark.parametrize("named", [True, False])
def test_what_a_task_settled_before_its_process_died_is_still_its_own_to_report(
    blog: Blog, held: Claim, named: bool
) -> None:
    give_up(blog, held, delay=None, by_runner=True)
    id = held.works[0].id
    found = what_became(blog.runtime, request(**LOST_WORKER), "post", [id] if named else [], Summary())
    assert (found.failed, found.elsewhere) == ({id: ReasonClass.SOURCE}, False)


@pytest.mark.parametrize("failing", [LedgerUnavailable("gone"), SoftTimeLimitExceeded()])
def test_a_dead_letter_is_reported_where_the_end_of_its_task_fails(
    blog: Blog, monkeypatch: pytest.MonkeyPatch, failing: Exception
) -> None:
    def fail(*args: Any, **how: Any) -> None:
        raise failing

    with blog.make.begin() as session:
        session.add(page := Page(slug="not an id"))
        blog.capture.sync_record(page, session=session)
    monkeypatch.setattr(tasks, "make_pass", fail)
    task: Any = SimpleNamespace(request=request(), app=Celery(set_as_current=False), backend=None)
    task.request.get = lambda name: None
    with pytest.raises(DeadLettered):
        tasks._sync(task, cast(Any, blog), blog.runtime, "page", [], Cause.SYNC)
