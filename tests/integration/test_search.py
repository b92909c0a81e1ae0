"""Searching: ids of the engine become records of the caller's session."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import scoped_session, selectinload

from scrypath_celery.errors import EngineError, QueryError, SchemaError
from scrypath_celery.searching.find import asearch, search
from tests.blog import Blog, Post, Seat, Tag
from tests.deadline import PATIENCE


class Answers:
    """An engine that answers with given hits, and remembers what it was asked."""

    def __init__(self, *ids: Any, total: int | None = None) -> None:
        self.ids = ids
        self.total = len(ids) if total is None else total
        self.asked: list[tuple[str, Mapping[str, Any]]] = []

    def search(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((index, body))
        return {"hits": [{"id": id} for id in self.ids], "totalHits": self.total}


def ask(blog: Blog, engine: Any) -> Any:
    return replace(blog.runtime, engine=engine)


def test_records_come_in_the_order_of_relevance(blog: Blog) -> None:
    blog.add(*(Post(title=str(number)) for number in range(1, 4)))
    engine = Answers(3, 1, 9, 2, total=41)
    blog.option(index_prefix="test")
    with blog.make() as session:
        found = search(
            ask(blog, engine), Post, "hello", session=session, filter={"status": "draft"}, page=2, per_page=4
        )
        assert [post.title for post in found.records] == ["3", "1", "2"]
        assert all(post in session for post in found.records)
    assert (found.missing, found.total, found.page, found.per_page, found.pages) == (("9",), 41, 2, 4, 11)
    assert len(found) == 3
    (index, body) = engine.asked[0]
    assert (index, body["q"], body["page"], body["filter"]) == ("test_post", "hello", 2, '"status" = "draft"')


def test_nothing_found_is_an_empty_page(blog: Blog) -> None:
    with blog.make() as session:
        found = search(ask(blog, Answers()), Post, session=session)
    assert (found.records, found.missing, found.total, found.pages) == ((), (), 0, 0)


def test_records_are_read_with_one_query_and_the_callers_loader_options(blog: Blog) -> None:
    blog.add(*(Post(title=str(number), tags=[Tag(name="a")]) for number in range(1, 4)))
    with blog.make() as session:
        blog.statements.clear()
        found = search(ask(blog, Answers(1, 2, 3)), Post, session=session, options=[selectinload(Post.tags)])
        assert [len(post.tags) for post in found.records] == [1, 1, 1]
        assert len(blog.statements) == 2


def test_a_scoped_session_is_taken(blog: Blog) -> None:
    blog.add(Post(title="one"))
    scoped = scoped_session(blog.make)
    assert len(search(ask(blog, Answers(1)), Post, session=scoped)) == 1
    scoped.remove()


def test_document_ids_of_other_fields_lead_to_records(blog: Blog) -> None:
    blog.add(Seat(row="a", number=1, label="x"))

    class Seats(Answers):
        def search(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
            return {"hits": [{"place": "x-seat"}], "totalHits": 1}

    with blog.make() as session:
        assert [seat.label for seat in search(ask(blog, Seats()), Seat, session=session).records] == ["x"]


def test_an_async_session_gets_records_too(blog: Blog) -> None:
    blog.add(*(Post(title=str(number)) for number in range(1, 3)))

    async def story() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{blog.engine.url.database}")
        async with AsyncSession(engine) as session:
            found = await asearch(ask(blog, Answers(2, 7, 1)), Post, "x", session=session)
            assert [post.title for post in found.records] == ["2", "1"]
            assert found.missing == ("7",)
        await engine.dispose()

    asyncio.run(story())


def test_the_event_loop_goes_on_while_the_engine_answers(blog: Blog) -> None:
    blog.add(Post(title="one"))

    async def story() -> None:
        loop = asyncio.get_running_loop()
        went_on = asyncio.Event()

        class Slow(Answers):
            def search(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
                asyncio.run_coroutine_threadsafe(asyncio.wait_for(_set(went_on), PATIENCE), loop).result(PATIENCE)
                return super().search(index, body)

        engine = create_async_engine(f"sqlite+aiosqlite:///{blog.engine.url.database}")
        async with AsyncSession(engine) as session:
            assert len(await asearch(ask(blog, Slow(1)), Post, session=session)) == 1
        assert went_on.is_set()
        await engine.dispose()

    asyncio.run(story())


async def _set(event: asyncio.Event) -> None:
    event.set()


def test_what_is_not_declared_is_refused_before_the_engine_is_asked(blog: Blog) -> None:
    engine = Answers()
    with blog.make() as session:
        with pytest.raises(QueryError):
            search(ask(blog, engine), Post, session=session, filter={"title": "x"})
        with pytest.raises(SchemaError):
            search(ask(blog, engine), Tag, session=session)
    assert engine.asked == []


@pytest.mark.parametrize("answer", [{}, {"hits": [{}], "totalHits": 1}, {"hits": 5, "totalHits": 1}, {"hits": []}])
def test_an_answer_that_is_not_intelligible_is_an_error_of_the_engine(blog: Blog, answer: Any) -> None:
    class Odd(Answers):
        def search(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
            return dict(answer)

    with blog.make() as session, pytest.raises(EngineError, match="not intelligible"):
        search(ask(blog, Odd()), Post, session=session)
