"""With `ledger_notify` what triggers write is run at once, and not when the relay comes round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from sqlalchemy import text

from scrypath_celery.ledger.triggers.trigger import TriggerState
from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.testing.engine import EngineUnderTest
from tests.deadline import eventually
from tests.shop import Post, Setup, Shop
from tests.worker import Worker

PERIOD = 600.0
"""The relay comes round long after the test."""


@pytest.fixture
def shop(postgresql_url: str, scrypath_engine: EngineUnderTest, tmp_path: Path) -> Iterator[Shop]:
    """A shop on PostgreSQL, with triggers that notify."""
    key = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    options: dict[str, Any] = {"ledger_notify": True, "relay_period": PERIOD, **key}
    with FakeBroker() as broker:
        setup = Setup(broker=broker.url, database=postgresql_url, meilisearch_url=scrypath_engine.url, options=options)
        opened = Shop(setup).create()
        opened.search.ledger.triggers(Post).install()
        yield opened
        opened.close()


def insert(shop: Shop, id: int) -> None:
    """Insert a post as any client would."""
    with shop.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO posts (id, title, body) VALUES ({id}, 'plain', '')")


def listening(shop: Shop) -> list[int]:
    """The backends of the database that listen."""
    query = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'")
    with shop.engine.connect() as connection:
        return list(connection.execute(query).scalars())


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_plain_insert_is_searchable_long_before_the_relay_comes_round(
    shop: Shop, start_worker: Callable[..., Worker], pool: Literal["prefork", "threads"]
) -> None:
    worker = start_worker("tests.shop_app", env=shop.setup.env(), pool=pool, concurrency=1)
    insert(shop, 1)
    eventually(shop.in_step, seconds=30, what="the first insert is indexed")
    insert(shop, 2)
    eventually(shop.in_step, seconds=30, what="the second insert is indexed")
    # Both may have been found before the worker listened, by its first look.
    [backend] = eventually(lambda: listening(shop), seconds=30, what="the worker listens")
    with shop.engine.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": backend})
    eventually(lambda: listening(shop) not in ([], [backend]), seconds=30, what="the worker listens again")
    insert(shop, 3)
    eventually(shop.in_step, seconds=30, what="the third insert is indexed")
    assert set(shop.documents()) == {1, 2, 3}
    worker.stop()
    eventually(lambda: listening(shop) == [], seconds=30, what="nobody listens")


def test_nobody_listens_for_a_worker_that_was_killed(shop: Shop, start_worker: Callable[..., Worker]) -> None:
    worker = start_worker("tests.shop_app", env=shop.setup.env(), concurrency=1)
    eventually(lambda: listening(shop) != [], seconds=30, what="the worker listens")
    worker.kill()
    eventually(lambda: listening(shop) == [], seconds=30, what="nobody listens")


def test_triggers_that_do_not_notify_are_outdated_where_they_are_to(shop: Shop) -> None:
    assert {one.state for one in shop.search.ledger.triggers(Post).status()} == {TriggerState.INSTALLED}
    with shop.search.override(ledger_notify=False):
        assert {one.state for one in shop.search.ledger.triggers(Post).status()} == {TriggerState.OUTDATED}
