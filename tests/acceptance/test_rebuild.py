"""A reindex by real workers, one of which is killed, while posts are rewritten without pause."""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable

import pytest

from scrypath_celery.rebuild.phases import Phase
from tests.deadline import eventually
from tests.shop import Post, Shop
from tests.worker import Worker

POSTS = 4_000


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_a_reindex_by_workers_loses_no_write_though_one_of_them_is_killed(
    database_url: str, broker_url: str, open_shop: Callable[..., Shop], start_shop_worker: Callable[..., Worker]
) -> None:
    shop = open_shop(broker=broker_url, database=database_url, options={"lease": 5.0})
    with shop.Session.begin() as session:
        session.add_all(Post(id=id, title="before") for id in range(1, POSTS + 1))
    victim, _ = start_shop_worker(shop), start_shop_worker(shop)
    over, chance, counter = threading.Event(), random.Random(1), itertools.count()

    def rewrite() -> None:
        while not over.is_set():
            with shop.Session.begin() as session:
                id = chance.randrange(1, POSTS + 200)
                post = session.get(Post, id)
                if post is None:
                    session.add(post := Post(id=id, title="new"))
                elif chance.random() < 0.1:
                    session.delete(post)
                else:
                    post.title = f"rewritten {next(counter)}"
                shop.search.sync_record(post, session=session)
            over.wait(0.002)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        begun = shop.search.reindex(Post, detach=True)
        eventually(lambda: shop.search.rebuilds(Post)[0].filled > 0, what="something is filled")
        victim.kill()
        eventually(
            lambda: shop.search.rebuilds(Post)[0].phase is Phase.DONE or bool(shop.search.rebuilds(Post)[0].blocked_by),
            what="the rebuild is over",
        )
    finally:
        over.set()
        writer.join()
    [done] = shop.search.rebuilds(Post)
    assert (done.id, done.phase, done.blocked_by) == (begun.id, Phase.DONE, {})
    eventually(lambda: shop.open() == 0, what="all works are settled")
    engine, uid = shop.search.runtime.engine, shop.search.runtime.uid_of(shop.search.schemas.of(Post))
    found = {document["id"]: document["title"] for document in engine.documents(uid, limit=10_000)}
    assert found == shop.records()
