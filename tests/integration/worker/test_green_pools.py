"""Workers on green threads: they work, publish and end as the others do."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from scrypath_celery.ledger import works
from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import Mode, Operation
from tests.deadline import eventually
from tests.shop import Post, Setup, Shop
from tests.worker import Worker

POOLS = [
    pytest.param(
        pool,
        marks=pytest.mark.skipif(importlib.util.find_spec(pool) is None, reason=f"{pool} is not installed"),
    )
    for pool in ("gevent", "eventlet")
]


@pytest.fixture
def shop(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Shop]:
    """A shop with a broker of its own."""
    key = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    with FakeBroker() as broker:
        setup = Setup(
            broker=broker.url,
            database=f"sqlite:///{tmp_path / 'shop.db'}",
            meilisearch_url=scrypath_engine.url,
            options={"relay_period": 0.5, **key},
        )
        opened = Shop(setup).create()
        yield opened
        opened.close()


@pytest.mark.parametrize("pool", POOLS)
def test_it_works_off_and_ends_cleanly(shop: Shop, start_worker: Callable[..., Worker], pool: Any) -> None:
    worker = start_worker("tests.shop_app", env=shop.setup.env(), pool=pool)
    for id in range(1, 6):
        shop.add(id)
    eventually(lambda: not shop.open(), what="all is settled")
    # What the relay of this worker finds goes through its own publisher.
    with shop.Session.begin() as session:
        session.add(Post(id=9, title="found by the relay"))
        works.write(session.connection(), "posts", Operation.UPSERT, ["9"], Mode.CELERY, publish_after=0.0)
    eventually(lambda: not shop.open(), what="the last one is settled")
    assert worker.stop() == 0
    output = worker.output()
    assert not [line for line in output.splitlines() if "Traceback" in line or "Exception ignored" in line]
    assert "work could not be published" not in output


PATCHES = {
    "gevent": "import gevent.monkey; gevent.monkey.patch_all()",
    "eventlet": "import warnings; warnings.simplefilter('ignore'); import eventlet; eventlet.monkey_patch()",
}


@pytest.mark.parametrize("pool", POOLS)
def test_a_process_on_green_threads_ends_cleanly_right_after_its_first_commit(redis_url: str, pool: str) -> None:
    code = f"""
{PATCHES[pool]}
from celery import Celery
from scrypath_celery import Scrypath
from scrypath_celery.worker.publisher import Publisher
app = Celery("host", broker={redis_url!r})
search = Scrypath(app)
publisher = Publisher(app, "search_sync", seconds=5.0)
publisher.publish("posts", (1,))
assert publisher.flush(20)
publisher.publish("posts", (2,))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen("search_sync") >= 1
