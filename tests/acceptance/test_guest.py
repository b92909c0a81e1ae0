"""A guest in somebody's Celery app: it works under any configuration, and leaves the host's as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import redis
from celery import Celery
from sqlalchemy import select

from scrypath_celery.cli.broker import look
from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.ledger import tables
from scrypath_celery.worker.messages import SYNC, to_queue
from tests.deadline import PATIENCE, eventually
from tests.shop import Setup, Shop
from tests.worker import Worker


def _host(broker: str) -> dict[str, Any]:
    """A host that does all that could get in a guest's way."""
    return {
        "CELERY_RESULT_BACKEND": broker,
        "CELERY_TASK_TIME_LIMIT": 100,
        "CELERY_TASK_SOFT_TIME_LIMIT": 90,
        "CELERY_TASK_SERIALIZER": "pickle",
        "CELERY_ACCEPT_CONTENT": ["json", "pickle"],
        "CELERY_TASK_DEFAULT_QUEUE": "host",
        "CELERY_TASK_QUEUES": {"host": {"exchange": "host"}, "elsewhere": {"exchange": "elsewhere"}},
        "CELERY_TASK_CREATE_MISSING_QUEUES": False,
        "CELERY_TASK_ROUTES": {
            "scrypath.*": {"queue": "elsewhere", "exchange": "elsewhere", "routing_key": "elsewhere"}
        },
        "CELERY_TASK_TRACK_STARTED": True,
        "CELERY_SCRYPATH_RELAY_PERIOD": 1.0,
        "CELERY_SCRYPATH_PUBLISH_GRACE": 1.0,
    }


def _guest(open_shop: Callable[..., Shop], broker: str, database: str, **more: Any) -> Shop:
    return open_shop(
        broker=broker,
        database=database,
        conf=_host(broker),
        namespace="CELERY",
        task_cls="tests.shop:ContextTask",
        **more,
    )


def test_it_works_under_a_host_that_gets_in_its_way(
    redis_url: str,
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    shop = _guest(open_shop, redis_url, sqlite_url)
    worker = start_shop_worker(shop, queues="search_sync,host", concurrency=1)
    shop.add(1)
    eventually(shop.in_step, what="the guest's work is done")
    answering = look(shop.app, shop.search.options).workers or ()  # the replies of such a host are pickles
    assert [(one.declares, one.queues) for one in answering] == [(("posts",), ("host", "search_sync"))]

    contexts = shop.app.tasks["host.contexts"]
    answer = contexts.apply_async(args=({"a set goes as pickle"},))
    assert SYNC in answer.get(timeout=PATIENCE)

    pickled = {**to_queue("search_sync"), "serializer": "pickle"}
    refused = shop.app.tasks[SYNC].apply_async(args=("posts", {1}), **pickled)
    eventually(lambda: "content type application/x-python-serialize" in worker.output(), what="pickle is refused")
    again = contexts.apply_async(args=(None,))
    again.get(timeout=PATIENCE)
    assert f"{SYNC}[{refused.id}]" not in worker.output()
    with redis.Redis.from_url(redis_url) as client:
        results = {key.decode() for key in client.keys("celery-task-meta-*")}
    assert results == {f"celery-task-meta-{result.id}" for result in (answer, again)}


def test_a_worker_of_other_queues_sends_no_relay_tasks(
    redis_url: str,
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    shop = _guest(open_shop, redis_url, sqlite_url)
    start_shop_worker(shop, queues="host", concurrency=1)
    shop.app.tasks["host.contexts"].delay().get(timeout=PATIENCE)
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen("search_sync") == 0


def test_attaching_leaves_the_hosts_configuration_as_it_was(
    redis_url: str, sqlite_url: str, open_shop: Callable[..., Shop]
) -> None:
    alone = _settings(
        Setup(
            broker=redis_url,
            database=sqlite_url,
            meilisearch_url="http://127.0.0.1:1",
            conf=_host(redis_url),
            namespace="CELERY",
        ).host()
    )
    shop = _guest(open_shop, redis_url, sqlite_url)
    shop.add(1)
    assert shop.search.options.relay_period == 1.0
    assert {key: value for key, value in _settings(shop.app).items() if alone.get(key) != value} == {}


def test_always_eager_hosts_have_the_document_after_the_commit(sqlite_url: str, open_shop: Callable[..., Shop]) -> None:
    shop = open_shop(broker="memory://", database=sqlite_url, conf={"task_always_eager": True})
    shop.add(1, 2)
    assert shop.in_step()


def test_events_show_retries_and_dead_letters_and_never_the_relay(
    redis_url: str,
    sqlite_url: str,
    open_shop: Callable[..., Shop],
    start_shop_worker: Callable[..., Worker],
) -> None:
    with EmbeddedEngine() as engine:
        options = {"relay_period": 1.0, "publish_grace": 1.0, "pause_max": 1.0}
        shop = open_shop(broker=redis_url, database=sqlite_url, meilisearch_url=engine.url, options=options)
        with _events(shop.app) as seen:
            start_shop_worker(shop, options=("--without-mingle", "--without-gossip", "-E"))
            fault = engine.faults.add("refuse", status=503, retry_after=1)
            shop.add(1)
            eventually(lambda: _of(seen, "task-retried"), what="an outage shows as a retry")
            fault.remove()
            eventually(shop.in_step, what="the outage is over")
            shop.add(2, body="unprojectable")
            failed = eventually(lambda: _of(seen, "task-failed"), what="a dead letter shows")
            passes = shop.search.ledger.run(_last_pass)
            eventually(lambda: shop.search.ledger.run(_last_pass) > passes, what="a relay's pass")
        dead = [work.id for work in shop.works() if work.state.value == "failed"]
        assert f"id={dead[0]} validation" in failed[0]["exception"]
        names = {event["name"] for event in _of(seen, "task-received")}
        assert names == {SYNC}
        known = {event["uuid"] for event in _of(seen, "task-received")}
        assert {event["uuid"] for event in seen if event["type"].startswith("task-")} == known


def _last_pass(connection: Any) -> float:
    return float(connection.execute(select(tables.ledger.c.relayed_at)).scalar_one())


def _settings(app: Celery) -> dict[str, Any]:
    return {key: repr(value) for key, value in app.conf.items()}


def _of(seen: list[Mapping[str, Any]], kind: str) -> list[Mapping[str, Any]]:
    return [event for event in list(seen) if event["type"] == kind]


@contextmanager
def _events(app: Celery) -> Iterator[list[Mapping[str, Any]]]:
    """All events of the app's workers, as Flower receives them."""
    seen: list[Mapping[str, Any]] = []
    listening, over = threading.Event(), threading.Event()
    receiver = app.events.Receiver(app.connection_for_read(), handlers={"*": seen.append})

    def listen() -> None:
        with receiver.consumer_context() as (connection, _channel, _consumers):
            listening.set()
            while not over.is_set():
                with suppress(TimeoutError):
                    connection.drain_events(timeout=0.2)

    thread = threading.Thread(target=listen)
    thread.start()
    assert listening.wait(PATIENCE)
    try:
        yield seen
    finally:
        over.set()
        thread.join()
        receiver.connection.close()


@pytest.mark.parametrize("route", [{"queue": "elsewhere"}, {"exchange": "x", "routing_key": "y"}, "elsewhere"])
def test_a_route_of_the_host_cannot_lead_our_messages_elsewhere(
    route: Any, redis_url: str, sqlite_url: str, open_shop: Callable[..., Shop]
) -> None:
    conf = {"task_routes": {"*": route}}
    shop = open_shop(broker=redis_url, database=sqlite_url, conf=conf)
    shop.add(1)
    with redis.Redis.from_url(redis_url) as client:
        eventually(lambda: client.llen("search_sync") == 1, what="the message is in our queue")
        assert {key.decode() for key in client.keys("*") if not key.startswith(b"_kombu")} == {"search_sync"}
