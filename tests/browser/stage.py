"""A shop with a worker and Flower, played through all that can become of work: the scene that the tests look at."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

from sqlalchemy import delete

from scrypath_celery.testing.broker import FakeBroker
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import State, Work
from tests.deadline import eventually
from tests.processes import environment
from tests.services.process import free_port
from tests.shop import Post, Setup, Shop
from tests.worker import Worker

SECONDS = 60.0
COLUMNS = "name,state,args,kwargs,result,received,worker"
"""What the table of tasks shows, as the documentation proposes it."""
CANARY = "canary-of-a-document"
OPTIONS = {
    "hang_seconds": 0.4,
    "time_limit": 5.0,
    "relay_period": 0.3,
    "publish_grace": 0.5,
    "backoff": 4.0,
    "max_attempts": 50,
    "await_seconds": 60.0,
}


@dataclass(kw_only=True)
class Stage:
    """Where Flower is, and the ids of works by what became of them."""

    url: str
    shop: Shop
    works: dict[str, int] = field(default_factory=dict)

    def get(self, path: str) -> str:
        """What Flower answers, as text."""
        with urlopen(self.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def tasks(self, search: str) -> list[dict[str, Any]]:
        """The tasks that Flower's own search finds."""
        found: dict[str, dict[str, Any]] = json.loads(self.get(f"/api/tasks?search={quote(search)}"))
        return list(found.values())


@contextmanager
def flower(shop: Shop, folder: Path) -> Iterator[str]:
    """Flower on the shop's broker; its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    where = ["--address=127.0.0.1", f"--port={port}", f"--tasks-columns={COLUMNS}"]
    command = [sys.executable, "-m", "celery", "-A", "tests.shop_app", "flower", *where]
    env = environment({**shop.setup.env(), "FLOWER_UNAUTHENTICATED_API": "true"})
    with (folder / "flower.log").open("wb") as log:
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log, cwd=folder)
        try:
            eventually(lambda: _answers(f"{url}/healthcheck"), seconds=SECONDS, what="Flower answers")
            yield url
        finally:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


@contextmanager
def played(engine: EngineUnderTest, folder: Path) -> Iterator[Stage]:
    """The scene, played to its end."""
    key = {"meilisearch_api_key": engine.api_key} if engine.api_key else {}
    with FakeBroker() as broker:
        setup = Setup(
            broker=broker.url,
            database=f"sqlite:///{folder / 'shop.db'}",
            meilisearch_url=engine.url,
            options={**OPTIONS, **key},
            index_prefix=engine.index_prefix or f"test{secrets.token_hex(4)}",
        )
        shop = Shop(setup).create()
        try:
            with flower(shop, folder) as url:
                options = ("--without-mingle", "--without-gossip", "-E")
                with Worker("tests.shop_app", folder=folder, env=setup.env(), options=options) as worker:
                    stage = Stage(url=url, shop=shop)
                    eventually(
                        lambda: worker.name in stage.get("/api/workers?status=1"),
                        seconds=SECONDS,
                        what="Flower knows it",
                    )
                    _play(stage)
                    yield stage
                    worker.kill()
        finally:
            shop.close()


def _play(stage: Stage) -> None:
    shop, works = stage.shop, stage.works

    def last() -> Work:
        return max(shop.works(), key=lambda work: work.id)

    def add(id: int, body: str, state: Callable[[], Any]) -> int:
        shop.add(id, title=CANARY, body=body)
        eventually(state, seconds=SECONDS, what=f"what becomes of a post whose body is {body!r}")
        return last().id

    shop.add(*range(1, 13), title=CANARY)
    eventually(shop.in_step, seconds=SECONDS, what="all is indexed")
    works["success"] = last().id
    shop.search.reindex(Post)
    works["rebuild"] = last().id
    shop.search.backfill(Post)
    works["backfill"] = last().id
    with shop.Session.begin() as session:
        session.execute(delete(Post).where(Post.id == 1))
    works["repair"] = shop.search.repair(Post).works[0]
    eventually(shop.in_step, seconds=SECONDS, what="the index is repaired")
    works["dead letter"] = add(101, "unprojectable", lambda: last().state is State.FAILED)
    works["retry"] = add(102, "crash", lambda: last().state is State.RETRYING)
    works["hang"] = add(103, "hang", lambda: shop.search.sync_status(Post).indexes[0].hanging)
    eventually(lambda: last().state is State.FAILED, seconds=SECONDS, what="what hung is a dead letter")
