"""An engine for all acceptance tests, and shops on it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from tests.shop import Setup, Shop
from tests.worker import Worker

OpenShop = Callable[..., Shop]


@pytest.fixture(scope="session")
def meilisearch_url() -> Iterator[str]:
    """The engine that MEILISEARCH_URL names, else the embedded one; every shop has an index prefix of its own."""
    named = os.environ.get("MEILISEARCH_URL")
    if named:
        yield named
        return
    with EmbeddedEngine() as engine:
        yield engine.url


@pytest.fixture
def open_shop(request: pytest.FixtureRequest) -> Iterator[OpenShop]:
    """A factory of shops whose tables are made: `open_shop(broker=..., database=..., conf={...})`."""
    key = os.environ.get("MEILISEARCH_API_KEY")
    with ExitStack() as stack:

        def open_it(*, options: dict[str, Any] | None = None, **setup: Any) -> Shop:
            if "meilisearch_url" not in setup:
                setup["meilisearch_url"] = request.getfixturevalue("meilisearch_url")
                options = {**({"meilisearch_api_key": key} if key else {}), **(options or {})}
            shop = Shop(Setup(options=options or {}, **setup)).create()
            stack.callback(shop.close)
            return shop

        yield open_it


@pytest.fixture
def start_shop_worker(start_worker: Callable[..., Worker]) -> Callable[..., Worker]:
    """A factory of workers of a shop: `start_shop_worker(shop, pool="threads")`."""

    def start(shop: Shop, **options: Any) -> Worker:
        # A host that accepts pickle is refused by Celery where the tests run as root.
        return start_worker("tests.shop_app", env={**shop.setup.env(), "C_FORCE_ROOT": "1"}, **options)

    return start
