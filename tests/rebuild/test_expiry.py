"""What is over by time: old content that is kept, and rebuilds that are forgotten."""

from __future__ import annotations

from dataclasses import replace

from scrypath_celery.convergence.relay import relay
from scrypath_celery.rebuild.phases import Phase
from scrypath_celery.rebuild.runner import drive, expire
from tests.deadline import eventually
from tests.rebuild.test_reindex import indexes, live
from tests.shop import Post, Shop


def test_old_content_whose_time_is_over_is_dropped_by_the_workers(filled: Shop) -> None:
    runtime = filled.search.runtime
    filled.search.reindex(Post, keep_old=0.01)
    eventually(lambda: drive(runtime, seconds=1) == 0, what="nothing is kept any more")
    assert indexes(filled) == [live(filled)]


def test_a_forgotten_rebuild_expires_and_holds_no_history(filled: Shop) -> None:
    filled.search.reindex(Post, cutover=False)
    hasty = replace(filled.search.options, rebuild_expires=0.01, keep_succeeded=0.01, keep_cancelled=0.01)
    runtime = replace(filled.search.runtime, options=hasty)
    eventually(lambda: expire(runtime) == 1, what="the rebuild expires")
    assert filled.search.rebuilds(Post)[0].phase is Phase.EXPIRED
    assert indexes(filled) == [live(filled)]

    def pruned() -> bool:
        relay(runtime, force=True)
        return filled.works() == []

    eventually(pruned, what="history is pruned")
