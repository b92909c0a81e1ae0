"""Nothing private rests in the broker, the ledger or the logs: ids and counts only."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import kombu
import pytest
import redis
from sqlalchemy import select

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.ledger import tables
from tests.deadline import eventually
from tests.shop import Post, Shop
from tests.worker import Worker

_CANARY = "canary-of-a-document"
_KEY = "key-that-nobody-may-see"


@pytest.fixture
def engine() -> Iterator[EmbeddedEngine]:
    """An engine with a key, whose errors quote documents."""
    with EmbeddedEngine(master_key=_KEY) as engine:
        yield engine


@pytest.fixture
def private_shop(broker_url: str, engine: EmbeddedEngine, postgresql_url: str, open_shop: Callable[..., Shop]) -> Shop:
    """A shop whose documents and key are canaries."""
    options = {"meilisearch_api_key": _KEY, "relay_period": 1.0, "publish_grace": 1.0}
    return open_shop(broker=broker_url, database=postgresql_url, meilisearch_url=engine.url, options=options)


@pytest.mark.parametrize("broker_url", ["redis", "rabbitmq"], indirect=True)
def test_messages_hold_ids_and_nothing_else(private_shop: Shop, broker_url: str) -> None:
    private_shop.add(1, 2, title=_CANARY, body=_CANARY)
    message = eventually(lambda: _first_message(broker_url), what="a message is in the broker")
    assert message is not None
    headers, body = message
    (work,) = private_shop.works()
    assert json.loads(body)[:2] == [["posts", [work.id]], {"operation": "sync"}]
    assert headers["argsrepr"] == f"Post: 2 documents, work {work.id}"
    assert headers["kwargsrepr"] == f"{{'operation': 'sync', 'works': 'id={work.id}'}}"
    _clean(json.dumps(headers) + body)


@pytest.mark.parametrize("broker_url", ["redis"], indirect=True)
def test_ledger_and_logs_hold_ids_and_nothing_else(
    private_shop: Shop,
    engine: EmbeddedEngine,
    start_shop_worker: Callable[..., Worker],
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop = private_shop
    caplog.set_level(logging.DEBUG)
    worker = start_shop_worker(shop, loglevel="DEBUG")
    shop.add(1, 2, title=_CANARY, body=_CANARY)
    eventually(shop.in_step, what="two documents are searchable")
    with shop.Session.begin() as session:
        deleted = session.get_one(Post, 1)
        session.delete(deleted)
        shop.search.delete_record(deleted, session=session)
    shop.add(3, title=_CANARY, body="unprojectable")
    shop.add(4, title=_CANARY, body="crash")
    engine.faults.add("fail_task", document="5", code="invalid_document_id", message=_CANARY)
    shop.add(5, title=_CANARY)

    def judged() -> bool:
        states = {work.ids: work.state.value for work in shop.works()}
        return [states.get((id,)) for id in "345"] == ["failed", "retrying", "failed"]

    eventually(judged, what="all failed as they should")
    assert worker.stop() == 0
    _clean(worker.log.read_text())
    _clean(caplog.text)
    assert "failed works: id=" in worker.log.read_text()
    rows = shop.search.ledger.run(
        lambda tx: [repr(tuple(row)) for table in tables.TABLES for row in tx.execute(select(table))]
    )
    assert rows
    _clean("\n".join(rows))


def _clean(text: str) -> None:
    assert _CANARY not in text
    assert _KEY not in text


def _first_message(url: str) -> tuple[dict[str, Any], str] | None:
    """Headers and decoded body of the oldest message in our queue, which stays there."""
    if url.startswith("redis"):
        with redis.Redis.from_url(url) as client:
            found = client.lrange("search_sync", -1, -1)
        if not found:
            return None
        envelope = json.loads(found[0])
        return envelope["headers"], base64.b64decode(envelope["body"]).decode()
    with kombu.Connection(url) as connection:
        queue = kombu.Queue("search_sync", channel=connection.default_channel)
        try:
            message = queue.get()
        except connection.channel_errors:  # not declared yet
            return None
        if message is None:
            return None
        message.requeue()
        return dict(message.headers), bytes(message.body).decode() if isinstance(message.body, bytes) else message.body
