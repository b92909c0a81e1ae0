"""The tasks of examples/by_hand in place of ours, struck by the same faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from by_hand.events import follow
from by_hand.tasks import app

from scrypath_celery.embedded import EmbeddedEngine
from tests.chaos.base import Base
from tests.chaos.shop import Item, make
from tests.chaos.world import Pool, World
from tests.imports import ROOT
from tests.worker import Worker

VISIBILITY = 5
"""Seconds after which a message that a lost worker had taken comes again: short, as the times of ours are here."""
GRACE = 3.0 * VISIBILITY
"""Seconds that the tasks have for what is left, after all faults are lifted: longer than any of them waits."""


@contextmanager
def world_by_hand(
    database: str, broker: Any, folder: Path, *, pools: Sequence[Pool] = ("prefork", "threads")
) -> Iterator[World]:
    """All parts up, with workers that run the tasks written by hand; ours record nothing."""
    data = folder / "engine.db"
    embedded = EmbeddedEngine(data=data).start()
    shop = make(broker.url, database, embedded.url, options={"sync_mode": "off"})
    Base.metadata.create_all(shop.engine)
    shop.search.ledger.create_all()
    before, app.conf.broker_url = app.conf.broker_url, broker.url
    follow(Item, shop.session)
    env = {"BY_HAND_BROKER": broker.url, "BY_HAND_DATABASE": database, "BY_HAND_ENGINE": embedded.url}
    env |= {"BY_HAND_VISIBILITY": str(VISIBILITY)}
    example = ROOT.parent / "examples" / "by_hand"
    workers = [
        Worker("by_hand.tasks", folder=folder, queues="celery", pool=pool, env=env, cwd=example) for pool in pools
    ]
    made = World(shop=shop, engine=embedded, broker=broker, workers=workers, data=data)
    try:
        made.rest()
        yield made
    finally:
        for worker in workers:
            worker.kill()
        made.engine.stop()
        app.close()
        app.conf.broker_url = before
        shop.engine.dispose()
