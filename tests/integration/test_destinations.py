"""Two engines or two prefixes on one ledger are noticed and named, wherever one looks; what is meant so is not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from scrypath_celery.convergence.destinations import elsewhere, own
from scrypath_celery.convergence.relay import relay
from scrypath_celery.ledger import destinations, indexes, marks, workers
from scrypath_celery.ledger.destinations import Destination
from scrypath_celery.operator.attention import Code, Health, judge
from scrypath_celery.operator.preflight import preflight
from scrypath_celery.operator.status import status
from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.testing.engine import EngineUnderTest, engine_under_test
from scrypath_celery.work import Mark
from tests.deadline import eventually
from tests.shop import Post, Setup, Shop
from tests.worker import Worker

Open = Callable[..., Shop]
Start = Callable[[Shop], Worker]
pytestmark = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def other_engine() -> Iterator[EngineUnderTest]:
    """An engine that is another than `scrypath_engine`."""
    with engine_under_test() as engine:
        yield engine


@pytest.fixture
def open_shop(database_url: str, scrypath_engine: EngineUnderTest) -> Iterator[Open]:
    """`open_shop(prefix="other")`: processes of one application on one ledger, which differ in what is named."""
    with ExitStack() as stack:
        broker = stack.enter_context(FakeBroker())

        def opened(engine: EngineUnderTest = scrypath_engine, *, prefix: str = "", **options: Any) -> Shop:
            if engine.api_key:
                options["meilisearch_api_key"] = engine.api_key
            shop = Shop(
                Setup(
                    broker=broker.url,
                    database=database_url,
                    meilisearch_url=engine.url,
                    options={"relay_period": 0.5, **options},
                    index_prefix=f"{scrypath_engine.index_prefix}{prefix}",
                )
            ).create()
            stack.callback(shop.close)
            return shop

        yield opened


@pytest.fixture
def start(start_worker: Callable[..., Worker]) -> Start:
    """Start a worker of a shop, and wait until the ledger knows it."""

    def started(shop: Shop) -> Worker:
        worker = start_worker("tests.shop_app", env=shop.setup.env(), pool="threads", concurrency=1)

        def is_noted() -> bool:
            found = shop.search.ledger.read(destinations.live)
            return any(one.name.startswith(f"{worker.name}@") for one in found)

        eventually(is_noted, what="the worker has noted where it sends")
        return worker

    return started


def seen(shop: Shop) -> list[str]:
    """What `status`, `check` and `contract-drift` of a process say of others; they say the same."""
    runtime, schemas = shop.search.runtime, list(shop.search.schemas)
    found = status(runtime, schemas, seconds=20)
    judged = judge(found, program="scrypath-celery")
    told = [reason.text for reason in judged.reasons if reason.code is Code.SENT_ELSEWHERE]
    looked = preflight(runtime, schemas, seconds=20, skip=("workers", "key"))
    checked = [one for one in looked.findings if one.text in told]
    assert [one.text for one in checked] == told
    assert all(one.health is Health.ATTENTION and one.remedy for one in checked)
    assert [one.text for one in shop.search.index_contract_drift(Post).elsewhere] == told
    return told


def note(shop: Shop, name: str, to: Destination | None = None) -> None:
    """Note a worker as the relay's passes in it do; by default one that is configured as the shop is."""
    found = own(shop.search.runtime) if to is None else to
    shop.search.ledger.run(lambda tx: workers.note(tx, name, found))


def at(url: str, shop: Shop, task: Mark | None) -> Destination:
    return Destination(url=url, prefix=shop.setup.index_prefix, indexes=frozenset({"posts"}), task=task)


def lost_since(shop: Shop) -> float | None:
    row = shop.search.ledger.read(lambda tx: indexes.get(tx, "posts"))
    assert row is not None
    return row.lost_since


def test_another_prefix_is_named_with_the_worker_that_has_it_until_it_ends(open_shop: Open, start: Start) -> None:
    one, other = open_shop(), open_shop(prefix="x")
    worker = start(one)
    assert seen(one) == []
    [text] = seen(other)
    for part in (repr(one.setup.index_prefix), repr(other.setup.index_prefix), worker.name, one.setup.meilisearch_url):
        assert part in text
    worker.stop()
    assert seen(other) == []


def test_a_second_worker_says_it_once_in_its_log(open_shop: Open, start: Start, other_engine: EngineUnderTest) -> None:
    note(open_shop(), "w1@here")
    shop = open_shop(other_engine)
    worker = start(shop)
    said = "two processes of this ledger send the same indexes to different places"
    eventually(lambda: said in worker.output(), what="the second worker says so")
    shop.add(1, 2, 3)
    eventually(lambda: shop.open() == 0, what="the works are settled")
    assert worker.output().count(said) == 1


def test_another_engine_is_named_and_not_taken_for_a_lost_one(
    open_shop: Open, other_engine: EngineUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = open_shop(), open_shop(other_engine)
    for shop in (one, other):  # what an environment names is a secret in a text, and none here
        monkeypatch.setenv(f"SHOP_{id(shop)}_URL", shop.setup.meilisearch_url)
    one.add(1)
    one.search.drain()
    note(one, "w1@here")
    [text] = seen(other)
    assert one.setup.meilisearch_url in text
    assert other.setup.meilisearch_url in text
    relay(other.search.runtime, force=True)
    assert lost_since(one) is None


def test_an_application_that_differs_says_it_and_is_seen(open_shop: Open, caplog: pytest.LogCaptureFixture) -> None:
    one, application = open_shop(), open_shop(prefix="x")
    note(one, "w1@here")
    with caplog.at_level(logging.ERROR, logger="scrypath_celery"):
        application.add(1)
        eventually(lambda: "send the same indexes to different places" in caplog.text, what="the application says so")
    [text] = seen(one)
    assert repr(application.setup.index_prefix) in text
    assert [worker.name for worker in one.search.ledger.read(workers.known)] == ["w1@here"]


def test_processes_that_send_for_themselves_are_seen(open_shop: Open, other_engine: EngineUnderTest) -> None:
    one, other = open_shop(sync_mode="inline"), open_shop(other_engine, sync_mode="inline")
    one.add(1)
    other.add(2)
    assert len(seen(one)) == 1


def test_generations_in_two_engines_are_meant_so(open_shop: Open, other_engine: EngineUnderTest) -> None:
    old, new = open_shop(generations=[1, 2]), open_shop(other_engine, generations=[1, 2], generation=2)
    note(old, "w1@here")
    note(new, "w2@here")
    assert (seen(old), seen(new)) == ([], [])


def test_other_indexes_may_be_sent_elsewhere(open_shop: Open) -> None:
    shop = open_shop()
    note(shop, "w1@here", Destination(url="http://another:7700", prefix="x", indexes=frozenset({"pages"})))
    assert elsewhere(shop.search.runtime) == ()


def test_another_name_of_the_same_engine_is_not_another_engine(open_shop: Open) -> None:
    shop = open_shop()
    shop.add(1)
    shop.search.drain()
    task = shop.search.runtime.seen.task
    assert task is not None
    note(shop, "w1@here", at("http://meilisearch:7700", shop, task))
    note(shop, "w2@here", at(shop.setup.meilisearch_url.replace("127.0.0.1", "LOCALHOST") + "/", shop, None))
    assert seen(shop) == []
    note(shop, "w3@here", at("http://another:7700", shop, replace(task, token="scrypath:x:1")))
    assert len(seen(shop)) == 1


def test_a_loss_is_noted_beside_a_process_that_calls_the_engine_otherwise(open_shop: Open) -> None:
    shop, gone = open_shop(), Mark(index_uid="posts", uid=10**9, token="scrypath:x:1")
    shop.add(1)
    shop.search.drain()
    note(shop, "w1@here", at("http://meilisearch:7700", shop, shop.search.runtime.seen.task))
    shop.search.runtime.seen.task = gone
    shop.search.ledger.run(lambda tx: marks.advance(tx, "posts", gone.uid, gone.token or ""))
    relay(shop.search.runtime, force=True)
    assert lost_since(shop) is not None
