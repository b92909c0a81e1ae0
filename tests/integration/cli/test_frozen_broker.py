"""A broker that stands still, connections open: no command waits for it beyond its bound."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scrypath_celery.work import State
from tests.integration.cli.conftest import Run
from tests.integration.operator.conftest import write
from tests.services.redis import RedisServer
from tests.shop import Shop

pytestmark = pytest.mark.timeout(60)


def test_status_and_retry_go_on_without_it(run: Run, shop: Shop, redis_server: Callable[[], RedisServer]) -> None:
    server = redis_server()
    shop.app.conf.broker_url = server.url
    id = write(shop, State.FAILED)
    server.freeze()
    try:
        looked = run("status")
        retried = run("retry", "--id", str(id))
    finally:
        server.thaw()
    assert looked.exit_code == 1
    assert "broker: unknown (the broker at redis://" in looked.stdout
    assert "queue: pending=0" in looked.stdout
    assert retried.exit_code == 0
    assert "stays pending in the ledger" in retried.stderr


def test_once_it_goes_on_it_is_known_again(run: Run, shop: Shop, redis_server: Callable[[], RedisServer]) -> None:
    server = redis_server()
    shop.app.conf.broker_url = server.url
    server.freeze()
    server.thaw()
    assert run("status").exit_code == 0
