"""A work of a rebuild that somebody cancelled has sent nothing: no swap goes by it."""

from __future__ import annotations

from scrypath_celery.work import State
from tests.shop import Post, Shop


def test_a_work_that_is_cancelled_is_not_done(filled: Shop) -> None:
    with filled.Session.begin() as session:
        session.get_one(Post, 7).body = "unprojectable"
    first = filled.search.reindex(Post)
    [failed] = [work for work in filled.works() if work.state is State.FAILED]
    filled.search.cancel(Post, ids=[failed.id])
    with filled.Session.begin() as session:  # so that no count tells
        session.delete(session.get_one(Post, 7))
    assert set(filled.search.reindex(Post).blocked_by) == {"failed_works"}
    filled.search.retry_sync_work(failed.id)
    filled.search.drain()
    done = filled.search.reindex(Post)
    assert (done.id, done.cut_over) == (first.id, True)
