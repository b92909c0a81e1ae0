"""What OpenTelemetry is told of searches, and of the requests to the engine that they make."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from scrypath_celery.engine.transport import Transport
from scrypath_celery.errors import EngineUnreachable, IndexMissing
from tests.searching.library import Article, Library, Page
from tests.spans import Spans, about, id_of

REQUEST = "POST /indexes/{index}/search"
TOGETHER = "POST /multi-search"


def http(span: ReadableSpan) -> tuple[object, ...]:
    """Method, path and status of a request."""
    found = span.attributes or {}
    return tuple(found.get(name) for name in ("http.request.method", "url.template", "http.response.status_code"))


def code(span: ReadableSpan) -> str | None:
    """The code by which a span failed."""
    return span.status.description if span.status.status_code is StatusCode.ERROR else None


def test_a_search_names_its_schema_and_counts_its_hits(library: Library, spans: Spans) -> None:
    with library.session() as session:
        found = library.search.search(Article, "kettle", session=session, filter={"status": "published"})
    search, request = spans.one("scrypath.search"), spans.one(REQUEST)
    assert about(search, "schema", "hits", "missing") == ("Article", len(found), 0)
    assert request.parent is not None
    assert request.parent.span_id == id_of(search)
    assert request.kind is SpanKind.CLIENT
    assert http(request) == ("POST", "/indexes/{index}/search", 200)
    assert (request.attributes or {})["server.port"] == urlsplit(library.search.options.meilisearch_url).port
    assert "kettle" not in spans.texts()
    assert "published" not in spans.texts()


@pytest.mark.parametrize("federated", [False, True])
def test_several_searches_are_one_span(library: Library, spans: Spans, federated: bool) -> None:
    with library.session() as session:
        entries: list[tuple[type[Any], str]] = [(Article, "kettle"), (Page, "kettle")]
        if federated:
            hits = len(library.search.search_many(entries, session=session, federated=True))
        else:
            hits = sum(map(len, library.search.search_many(entries, session=session).ordered))
    assert about(spans.one("scrypath.search"), "schemas", "hits") == (("Article", "Page"), hits)
    assert spans.within(spans.one("scrypath.search")) == [TOGETHER]
    assert "kettle" not in spans.texts()


@pytest.mark.parametrize("together", [False, True])
def test_searches_of_an_event_loop_are_in_the_trace_of_its_task(library: Library, spans: Spans, together: bool) -> None:
    async def look() -> None:
        engine = create_async_engine("sqlite+aiosqlite://")
        async with AsyncSession(engine) as session:
            if together:
                await library.search.asearch_many([(Article, "nothing-like-it")], session=session)
            else:
                await library.search.asearch(Article, "nothing-like-it", session=session)
        await engine.dispose()

    with spans.application.start_as_current_span("request"):
        asyncio.run(look())
    assert spans.within(spans.one("request")) == ["scrypath.search"]
    assert spans.within(spans.one("scrypath.search")) == [TOGETHER if together else REQUEST]


def test_a_search_that_fails_says_so_by_its_code(fresh: Library, spans: Spans) -> None:
    with fresh.session() as session, pytest.raises(IndexMissing):
        fresh.search.search(Article, "kettle", session=session)
    assert code(spans.one("scrypath.search")) == "index_missing"
    assert (code(spans.one(REQUEST)), http(spans.one(REQUEST))[2]) == ("404", 404)
    assert "kettle" not in spans.texts()


def test_a_request_without_an_answer_names_the_class_of_its_error(spans: Spans) -> None:
    transport = Transport("http://user:secret@127.0.0.1:9/base", None, timeout=(1.0, 1.0))
    with spans.application.start_as_current_span("request"), pytest.raises(EngineUnreachable):
        transport.call("get", "indexes/private/stats?of=private", shape=dict)
    request = spans.one("GET /base/indexes/{index}/stats")
    assert code(request) == "ConnectionError"
    assert http(request)[2] is None
    assert "private" not in spans.texts()
    assert "secret" not in spans.texts()


def test_a_request_on_its_own_makes_no_trace(library: Library, spans: Spans) -> None:
    assert library.search.runtime.engine.version()
    assert spans.all() == []
