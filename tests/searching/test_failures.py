"""What a search says when it cannot be answered: typed, with the engine's own words and what helps."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.errors import (
    EngineError,
    EngineUnreachable,
    IndexMissing,
    IndexPaused,
    KeyRefused,
    ProjectionError,
    QueryError,
    SessionError,
)
from scrypath_celery.ledger import indexes
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import Failure, ReasonClass
from tests.searching.library import Article, Library, Page, article, open_library


def test_a_missing_index_is_named_with_the_command_that_makes_it(fresh: Library) -> None:
    with fresh.session() as session:
        with pytest.raises(IndexMissing) as caught:
            fresh.search.search(Article, session=session)
        with pytest.raises(IndexMissing):
            fresh.search.search(Article, session=session, facets=["status"], facet_filter={"status": "draft"})
    with pytest.raises(IndexMissing):
        fresh.search.facet_values(Article, "status")
    error = caught.value
    assert (error.code, error.engine_code, error.status) == ("index_missing", "index_not_found", 404)
    assert "scrypath-celery reconcile Article --action backfill" in str(error)
    assert error.link is not None
    assert not isinstance(error, IndexPaused)


def test_a_new_deployment_may_find_nothing_instead(fresh: Library) -> None:
    with fresh.session() as session:
        found = fresh.search.search(Article, session=session, on_missing="empty", page=2)
        counted = fresh.search.search(
            Article, session=session, on_missing="empty", facets=["status"], facet_filter={"status": "draft"}
        )
        with pytest.raises(QueryError, match="on_missing= takes"):
            fresh.search.search(Article, session=session, on_missing="none")  # type: ignore[arg-type]
    assert (found.records, found.total, found.total_is_exact, found.page, found.pages) == ((), 0, True, 2, 0)
    assert counted.facets == {}
    assert fresh.search.facet_values(Article, "status", on_missing="empty") == ()


def test_a_missing_index_whose_work_is_paused_says_why(fresh: Library) -> None:
    failure = Failure(reason_class=ReasonClass.AUTH, reason="the key is wrong")
    with fresh.search.ledger.begin() as connection:
        indexes.ensure(connection, "article")
        indexes.pause(connection, "article", failure, 60)
    with (
        fresh.session() as session,
        pytest.raises(IndexPaused, match=r"paused \(the key is wrong\): see `scrypath-celery status Article`"),
    ):
        fresh.search.search(Article, session=session)


def test_an_engine_that_is_not_there_is_unreachable(fresh: Library) -> None:
    with (
        fresh.session() as session,
        fresh.search.override(meilisearch_url="http://127.0.0.1:9"),
        pytest.raises(EngineUnreachable, match="cannot be reached"),
    ):
        fresh.search.search(Article, session=session, on_missing="empty")


def test_a_refused_search_carries_the_engines_own_message(library: Library) -> None:
    with library.session() as session, pytest.raises(EngineError) as caught:
        library.search.search(Article, session=session, filter="price 4")
    assert caught.value.engine_code == "invalid_search_filter"
    assert caught.value.engine_message is not None
    assert caught.value.engine_message in str(caught.value)
    assert str(caught.value.link) in str(caught.value)


def test_a_refused_key_is_named_with_the_option_that_holds_it() -> None:
    with (
        EmbeddedEngine(master_key="a-master-key-for-tests") as engine,
        open_library(EngineUnderTest(url=engine.url, api_key="a-wrong-key", embedded=engine)) as library,
        library.session() as session,
        pytest.raises(KeyRefused) as caught,
    ):
        library.search.search(Article, session=session)
    text = str(caught.value)
    assert "option 'meilisearch_api_key'" in text
    assert engine.url in text
    assert "a-wrong-key" not in text
    assert caught.value.code == "key_refused"


def test_a_document_that_was_refused_is_not_quoted(fresh: Library) -> None:
    fresh.add(Page(slug="a", title="x"))
    with pytest.raises(EngineError) as caught:
        fresh.search.runtime.engine.add(
            fresh.search.runtime.engine_uid("page"), b'{"secret": ', key="slug", token="0" * 32
        )
    assert "secret" not in str(caught.value)


def test_the_document_shown_is_the_one_that_is_sent(fresh: Library) -> None:
    def search_document(self: Page) -> dict[str, object]:
        return {**fresh.search.default_document(self), "title": self.title.upper(), "length": len(self.title)}

    Page.search_document = search_document
    try:
        page = Page(slug="a", title="kettle")
        fresh.add(page)
        with fresh.session() as session:
            page = session.query(Page).one()
            shown = fresh.search.document(page)
            assert fresh.search.default_document(page) == {"slug": "a", "title": "kettle"}
        sent = fresh.search.meilisearch.index(Page).get_document("a")
        assert shown == dict(sent) == {"slug": "a", "title": "KETTLE", "length": 6}
    finally:
        del Page.search_document  # type: ignore[attr-defined]


def test_a_document_that_asks_for_itself_is_told_what_to_ask_for(fresh: Library) -> None:
    def search_document(self: Article) -> dict[str, object]:
        return fresh.search.document(self)

    Article.search_document = search_document
    try:
        with pytest.raises(ProjectionError, match=r"start from search\.default_document"):
            fresh.search.document(article(1, "x"))
        fresh.add(article(1, "x"))
        (failed,) = fresh.search.failed_sync_work(Article).works
        assert "search.default_document" in failed.reason
    finally:
        del Article.search_document  # type: ignore[attr-defined]


def test_a_session_of_the_other_kind_is_refused_before_the_request(library: Library) -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    other: Any = AsyncSession(engine)
    for call in (
        lambda: library.search.search(Article, session=other),
        lambda: library.search.search_many([(Article, "")], session=other),
        lambda: library.search.search_many([(Article, "")], session=other, federated=True),
        lambda: library.search.hydrate(Article, [], session=other),
        lambda: library.search.search(Article, session=None),  # type: ignore[arg-type]
    ):
        with pytest.raises(SessionError, match="takes a Session"):
            call()
    with library.session() as session, pytest.raises(SessionError, match="takes an AsyncSession, not Session"):
        asyncio.run(library.search.asearch(Article, session=session))  # type: ignore[arg-type]


def test_an_option_that_is_misspelt_is_refused(library: Library) -> None:
    with library.session() as session, pytest.raises(QueryError, match="no option 'filters'; did you mean 'filter'"):
        library.search.search(Article, session=session, filters={})  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="filters"):
        library.search.facet_values(Article, "status", filters={})  # type: ignore[call-arg]
