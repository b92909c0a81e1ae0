"""What `celery control` makes a worker do; the handlers are called as the worker's event loop calls them."""

from __future__ import annotations

from types import SimpleNamespace

from scrypath_celery.worker.inspect import scrypath_pause, scrypath_resume
from tests.integration.operator.conftest import shop
from tests.shop import Post, Shop

__all__ = ["shop"]


def test_a_worker_pauses_and_resumes_an_index(shop: Shop) -> None:
    state = SimpleNamespace(app=shop.app, hostname="w1@here", consumer=None)
    said = scrypath_pause(state, "Post", "moving the engine")["ok"]
    assert (said["by"], said["reason"]) == ("celery control at w1@here", "moving the engine")
    [index] = shop.search.sync_status(Post).indexes
    assert index.pause_by_hand is not None
    assert "needs a reason" in scrypath_pause(state, "Post", "")["error"]
    assert "did you mean" in scrypath_pause(state, "Pst", "x")["error"]
    assert [scrypath_resume(state, "Post")["ok"]["resumed"] for _ in range(2)] == [True, False]
