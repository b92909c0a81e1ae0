"""The task that beat sends: a verification in a worker, shown by `status`."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.errors import NotUnderstood, SchemaError
from scrypath_celery.worker.verify_task import VERIFY
from tests.integration.operator.conftest import shop
from tests.shop import Post, Shop

__all__ = ["shop"]


def ran(shop: Shop, *args: Any, **kwargs: Any) -> Any:
    """The outcome of the task, as a worker has it."""
    return shop.app.tasks[VERIFY].apply(args=args, kwargs=kwargs)


@pytest.mark.parametrize("sample", [None, 1000])
def test_its_result_is_small_and_shown_by_status(shop: Shop, sample: int | None) -> None:
    shop.add(1, 2, 3)
    shop.search.drain()
    with shop.Session.begin() as session:
        session.add(Post(id=4, title="never synced"))
    found = ran(shop, "Post", sample=sample)
    assert found.state == "SUCCESS"
    assert (found.result["schema"], found.result["missing"], found.result["stale"]) == ("Post", 1, 0)
    assert found.result["complete"] is (sample is None)
    [one] = shop.search.sync_status(Post).indexes
    assert one.verified is not None
    assert one.verified.counts["missing"] == 1
    assert one.verified.counts["records"] == 4


def test_it_runs_where_beat_sends_it_like_all_of_our_tasks(shop: Shop) -> None:
    task = shop.app.tasks[VERIFY]
    assert (task.ignore_result, task.serializer, task.acks_late) == (True, "json", False)


def test_a_message_that_names_no_schema_is_refused(shop: Shop) -> None:
    for args, kwargs in (((), {}), (("Post", 3), {}), (("Post",), {"sample": 0}), (("Post",), {"full": True})):
        assert isinstance(ran(shop, *args, **kwargs).result, NotUnderstood)
    assert isinstance(ran(shop, "Psot").result, SchemaError)
