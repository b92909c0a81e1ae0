"""Inserts, updates and deletes reach the index, from every database and through every broker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from tests.deadline import eventually
from tests.shop import Post, Shop
from tests.worker import Worker


@pytest.mark.parametrize(
    ("database_url", "broker_url"),
    [("sqlite", "redis"), ("postgresql", "rabbitmq"), ("mariadb", "fakeredis")],
    indirect=True,
)
def test_inserts_updates_and_deletes_reach_the_index(
    database_url: str,
    broker_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    shop = open_shop(broker=broker_url, database=database_url)
    start_shop_worker(shop)

    with shop.Session.begin() as session:
        posts = [Post(id=id, title=f"title {id}") for id in range(1, 6)]
        session.add_all(posts)
        for post in posts:
            shop.search.sync_record(post, session=session)
    eventually(shop.in_step, what="five inserts are searchable")
    assert len(shop.documents()) == 5

    with shop.Session.begin() as session:
        post = session.get_one(Post, 2)
        post.title = "a new title"
        shop.search.sync_record(post, session=session)
        gone = session.get_one(Post, 3)
        session.delete(gone)
        shop.search.delete_record(gone, session=session)
    eventually(shop.in_step, what="an update and a delete are searchable")
    assert shop.documents() == {1: "title 1", 2: "a new title", 4: "title 4", 5: "title 5"}
    assert {work.state.value for work in shop.works()} == {"succeeded"}


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_writes_of_an_event_loop_reach_the_index(
    database_url: str,
    broker_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    shop = open_shop(broker=broker_url, database=database_url)
    start_shop_worker(shop)

    async def write() -> None:
        engine = shop.async_engine()
        async with AsyncSession(engine) as session, session.begin():
            post = Post(id=1, title="from a loop")
            session.add(post)
            shop.search.sync_record(post, session=session)
        async with AsyncSession(engine) as session, session.begin():
            post = Post(id=2, title="gone again")
            session.add(post)
            await session.flush()
            await session.delete(post)
            shop.search.delete_record(post, session=session)
        await engine.dispose()

    asyncio.run(write())
    eventually(shop.in_step, what="the loop's writes are searchable")
    assert shop.documents() == {1: "from a loop"}
