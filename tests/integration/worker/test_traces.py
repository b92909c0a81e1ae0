"""How the trace of a commit reaches the task that works on it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import Celery

from scrypath_celery import Scrypath
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.worker.publisher import Publisher
from tests.deadline import PATIENCE
from tests.shop import Setup, Shop
from tests.spans import Spans, about, id_of, linked

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PARENT_ID = 0xB7AD6B7169203331


def message(url: str) -> dict[str, Any]:
    """The headers of the only message in our queue."""
    with redis.Redis.from_url(url) as client:
        [text] = client.lrange("search_sync", 0, -1)
    headers: dict[str, Any] = json.loads(text)["headers"]
    return headers


def publish(url: str) -> None:
    """Hand one work over, as a commit does."""
    app = Celery("host", broker=url, set_as_current=False)
    Scrypath(app)
    publisher = Publisher(app, "search_sync", seconds=5.0, name=lambda index: "Post")
    publisher.publish("posts", (1, 2))
    assert publisher.flush(PATIENCE)
    publisher.close()


def test_a_message_names_its_publication_which_is_linked_to_the_request(redis_url: str, spans: Spans) -> None:
    with spans.application.start_as_current_span("request") as request:
        publish(redis_url)
    publication = spans.one("scrypath.publish")
    assert publication.parent is None
    assert linked(publication) == [request.get_span_context().span_id]
    assert about(publication, "schema", "operation", "works") == ("Post", "sync", 2)
    assert message(redis_url)["traceparent"].split("-")[2] == format(id_of(publication), "016x")


def test_a_message_of_an_application_that_does_not_trace_is_as_ever(redis_url: str) -> None:
    publish(redis_url)
    assert "traceparent" not in message(redis_url)


@pytest.fixture
def shop(scrypath_engine: EngineUnderTest, sqlite_url: str) -> Iterator[Shop]:
    """A shop whose messages go nowhere."""
    options = {"meilisearch_api_key": scrypath_engine.api_key}
    setup = Setup(broker="memory://", database=sqlite_url, meilisearch_url=scrypath_engine.url, options=options)
    opened = Shop(setup).create()
    yield opened
    opened.close()


@pytest.mark.parametrize("header", [PARENT, None, 7, "nothing that names a span"])
def test_a_claim_is_linked_to_the_publication_of_its_task(shop: Shop, spans: Spans, header: object) -> None:
    shop.add(1)
    task = shop.app.tasks["scrypath.sync"]
    task.push_request(id="t", args=(), kwargs={}, traceparent=header)
    told = task.run("posts", [1], operation="sync")
    task.pop_request()
    assert told["succeeded"] == 1
    expected = [PARENT_ID] if header == PARENT else []
    claim = spans.one("scrypath.claim")
    assert claim.parent is None
    assert linked(claim) == [*expected, id_of(spans.one("scrypath.capture"))]


def test_a_claim_within_the_span_of_its_task_is_not_linked_to_the_message_too(shop: Shop, spans: Spans) -> None:
    shop.add(1)
    task = shop.app.tasks["scrypath.sync"]
    task.push_request(id="t", args=(), kwargs={}, traceparent=PARENT)
    with spans.application.start_as_current_span("task"):
        task.run("posts", [1], operation="sync")
    task.pop_request()
    assert linked(spans.one("scrypath.claim")) == [id_of(spans.one("scrypath.capture"))]
    assert "scrypath.claim" in spans.within(spans.one("task"))
