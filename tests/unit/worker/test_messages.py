"""What messages and events say: ids and counts, in a form that a monitor can search."""

from __future__ import annotations

from typing import Any

import pytest
from celery import Celery

from scrypath_celery import Scrypath
from scrypath_celery.errors import NotUnderstood
from scrypath_celery.notices import DeadLetter
from scrypath_celery.work import Cause, ReasonClass
from scrypath_celery.worker.events import dead_lettered
from scrypath_celery.worker.messages import labels, options, ranges, shown, understood


@pytest.mark.parametrize(
    ("ids", "documents", "text"),
    [
        ([601], 1, "Post: 1 document, work 601"),
        (range(601, 613), 12, "Post: 12 documents, works 601-612"),
        ([3, 1, 2, 9, 7], None, "Post: works 1-3, 7, 9"),
        ([0], None, "Post: a rebuild goes on"),
    ],
)
def test_a_message_says_schema_documents_and_works(ids: list[int], documents: int | None, text: str) -> None:
    assert shown("Post", list(ids), documents) == text


def test_every_work_can_be_searched_for() -> None:
    said = options("Post", [601, 602], Cause.REPAIR, 2)
    assert said["kwargsrepr"] == "{'operation': 'repair', 'works': 'id=601 id=602'}"


@pytest.mark.parametrize(
    ("ids", "limit", "text"),
    [([], None, ""), ([2, 1, 2], None, "id=1 id=2"), ([0, 5], None, "id=5"), (range(1, 5), 2, "id=1 id=2 and 2 more")],
)
def test_a_result_names_a_bounded_number_of_works(ids: list[int], limit: int | None, text: str) -> None:
    assert labels(ids, limit) == text


def test_ids_that_follow_each_other_are_one_range() -> None:
    assert ranges([]) == ""
    assert ranges([5, 4, 6, 10]) == "4-6, 10"


def test_a_message_of_this_release_is_understood() -> None:
    assert understood(("posts", [1, 2]), {}) == ("posts", [1, 2], Cause.SYNC)
    assert understood(("posts", [0]), {"operation": "reindex"}) == ("posts", [0], Cause.REINDEX)


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        (("posts",), {}),
        (("posts", [1], 2), {}),
        (("posts", ["1"]), {}),
        (("posts", [1]), {"operation": "dance"}),
        (("posts", [1]), {"more": 1}),
    ],
)
def test_a_message_of_another_release_is_refused(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    with pytest.raises(NotUnderstood):
        understood(args, kwargs)


def letter(id: int, *, task_id: str | None, told_by_task: bool = False) -> DeadLetter:
    return DeadLetter(
        id=id,
        index_uid="posts",
        documents=2,
        reason_class=ReasonClass.SOURCE,
        code="projection_hangs",
        task_id=task_id,
        told_by_task=told_by_task,
    )


def test_a_task_that_settled_its_works_itself_leaves_one_event() -> None:
    search = Scrypath(Celery("host", set_as_current=False))
    mine = [letter(id, task_id="t", told_by_task=True) for id in (7, 8)]
    [event] = dead_lettered(search.schemas, mine)
    assert event.type == "task-dead-lettered"
    assert event.fields == {
        "uuid": "t",
        "index": "posts",
        "works": [7, 8],
        "classes": {"source": 2},
        "codes": {"projection_hangs": 2},
        "result": "posts: 2 failed works: id=7 source, id=8 source",
    }


def test_a_task_that_was_given_up_is_failed_by_who_gave_it_up() -> None:
    search = Scrypath(Celery("host", set_as_current=False))
    said, failed = dead_lettered(search.schemas, [letter(7, task_id="t")])
    assert (said.type, failed.type) == ("task-dead-lettered", "task-failed")
    assert failed.fields["uuid"] == "t"
    assert "id=7 source" in failed.fields["exception"]


def test_a_work_that_no_task_ran_is_told_under_an_id_of_its_own() -> None:
    search = Scrypath(Celery("host", set_as_current=False))
    said, failed = dead_lettered(search.schemas, [letter(7, task_id=None)])
    assert {said.fields["uuid"], failed.fields["uuid"]} == {"scrypath-work-7"}
    assert said.fields["args"] == "posts: 2 documents, works 7"
