"""A move to another engine, and back, by real workers of both, while posts are rewritten without pause."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scrypath_celery.testing.engine import engine_under_test
from tests.deadline import eventually
from tests.shop import Post, Shop
from tests.worker import Worker

POSTS = 500
QUEUE = "search_sync-g2"
CAPTURED = {"generations": [1, 2], "relay_period": 0.5}
OLD: dict[str, Any] = {**CAPTURED, "generation": 1}
NEW: dict[str, Any] = {**CAPTURED, "generation": 2}


class Application:
    """What writes: a thread, through whichever `Scrypath` it has been given last."""

    def __init__(self, shop: Shop) -> None:
        self.live = shop
        self._over, self._chance, self._counter = threading.Event(), random.Random(1), itertools.count()

    def rewrite(self) -> None:
        """Insert, change and delete posts until it is over."""
        while not self._over.is_set():
            shop = self.live
            with shop.Session.begin() as session:
                id = self._chance.randrange(1, POSTS + 100)
                post = session.get(Post, id)
                if post is None:
                    session.add(post := Post(id=id, title="new"))
                elif self._chance.random() < 0.2:
                    session.delete(post)
                else:
                    post.title = f"rewritten {next(self._counter)}"
                shop.search.sync_record(post, session=session)
            self._over.wait(0.005)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write as long as this lasts."""
        thread = threading.Thread(target=self.rewrite)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def write_some(self, count: int = 50) -> None:
        """Let it make some more writes."""
        reached = next(self._counter) + count
        eventually(lambda: next(self._counter) > reached, what="writes go on")


def assert_in_step(shop: Shop) -> None:
    """No document is missing, stale or a ghost, though writes go on."""
    found = shop.search.verify(Post)
    assert found.index_exists
    assert not found.differs, found


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_a_move_to_another_engine_and_back_loses_no_write(
    database_url: str, broker_url: str, open_shop: Callable[..., Shop], start_shop_worker: Callable[..., Worker]
) -> None:
    setup: dict[str, Any] = {"broker": broker_url, "database": database_url, "index_prefix": "moving"}
    with engine_under_test() as one, engine_under_test() as two:
        prefix = {"index_prefix": one.index_prefix or "moving"}
        key = {"meilisearch_api_key": one.api_key} if one.api_key else {}
        alone = open_shop(**{**setup, **prefix}, meilisearch_url=one.url, options={**key, "relay_period": 0.5})
        old = open_shop(**{**setup, **prefix}, meilisearch_url=one.url, options={**key, **OLD})
        new = open_shop(**{**setup, **prefix}, meilisearch_url=two.url, options={**key, **NEW})
        last = open_shop(**{**setup, **prefix}, meilisearch_url=two.url, options={**key, **NEW, "generations": [2]})
        application = Application(alone)
        with application.writing():
            start_shop_worker(old)
            alone.add(*range(POSTS + 100, POSTS + 200))
            application.write_some()
            application.live = old
            start_shop_worker(new, queues=QUEUE)
            application.write_some()
            new.search.backfill(Post)
            assert_in_step(new)
            for live in (new, old, new):  # there, back, and there again
                application.live = live
                application.write_some()
                assert_in_step(new)
                assert_in_step(old)
            application.live = last
            application.write_some()
        eventually(lambda: last.open() == 0, what="all works are settled")
        assert new.documents() == new.records()
