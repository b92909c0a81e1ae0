"""The same calls beside an AsyncSession: plain calls, never awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine

from tests.blog import Blog, Page, Post
from tests.deadline import PATIENCE

Make = async_sessionmaker[AsyncSession]


def run(blog: Blog, story: Callable[[Make], Awaitable[None]]) -> None:
    """Run a coroutine with an async sessionmaker on the blog's database."""

    async def main() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{blog.engine.url.database}")
        try:
            await story(async_sessionmaker(engine))
        finally:
            await engine.dispose()

    asyncio.run(main())


def test_a_call_joins_the_transaction_of_an_async_session(blog: Blog) -> None:
    async def story(make: Make) -> None:
        async with make() as session:
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session)
            assert result.state == "deferred"
            await session.commit()
            assert result.state == "accepted"

    run(blog, story)
    assert blog.works() == [("post", "upsert", ["1"])]


def test_a_rolled_back_async_session_leaves_no_work(blog: Blog) -> None:
    async def story(make: Make) -> None:
        async with make() as session:
            session.add(post := Post(title="one"))
            blog.capture.sync_record(post, session=session)
            async with session.begin_nested() as savepoint:
                session.add(other := Post(title="two"))
                blog.capture.sync_record(other)
                await savepoint.rollback()
            await session.commit()

    run(blog, story)
    assert blog.works() == [("post", "upsert", ["1"])]


def test_the_records_own_async_session_is_used(blog: Blog) -> None:
    blog.add(Page(slug="old"))

    async def story(make: Make) -> None:
        async with make() as session:
            page = await session.get_one(Page, 1)
            await session.commit()
            page.slug = "new"
            blog.capture.sync_record(page)
            await session.commit()

    run(blog, story)
    assert {id for _, _, ids in blog.works() for id in ids} == {"old", "new"}


def test_inline_works_after_the_commit_of_an_async_session(blog: Blog) -> None:
    async def story(make: Make) -> None:
        async with make() as session:
            session.add(post := Post(title="one"))
            result = blog.capture.sync_record(post, session=session, sync_mode="inline")
            await session.commit()
            assert (await result.wait(PATIENCE)).state == "completed"

    run(blog, story)
    assert blog.index.indexes["post"]["1"]["title"] == "one"


def test_an_async_scoped_session_is_taken_too(blog: Blog) -> None:
    async def story(make: Make) -> None:
        scoped = async_scoped_session(make, asyncio.current_task)
        scoped.add(post := Post(title="one"))
        blog.capture.sync_record(post, session=scoped)
        await scoped.commit()
        await scoped.remove()

    run(blog, story)
    assert blog.works() == [("post", "upsert", ["1"])]


@pytest.mark.parametrize("paused", [True, False])
def test_paused_holds_for_the_task_that_asked_for_it(blog: Blog, paused: bool) -> None:
    async def story(make: Make) -> None:
        async with make() as session:
            session.add(post := Post(title="one"))
            if paused:
                with blog.capture.capture_disabled():
                    blog.capture.sync_record(post, session=session)
            else:
                blog.capture.sync_record(post, session=session)
            await session.commit()

    run(blog, story)
    assert bool(blog.works()) is not paused
