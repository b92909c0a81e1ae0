"""What chaos strikes: database, broker, engine and workers, each a real process or a server over TCP."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.ledger import works
from scrypath_celery.work import State
from tests.chaos.base import Base
from tests.chaos.shop import Item, Shop, make
from tests.services.mariadb import IN_ITS_OWN
from tests.worker import Worker

Pool = Literal["prefork", "threads"]


@dataclass(kw_only=True)
class World:
    """The parts, and how to lose each of them."""

    shop: Shop
    engine: EmbeddedEngine
    broker: Any
    workers: list[Worker]
    data: Path
    level: str | None = None
    pace: threading.Event = field(default_factory=threading.Event)

    def write(self, versions: Mapping[int, int]) -> list[int]:
        """Insert items, each in a transaction of its own; the ids of their works."""
        written: list[int] = []
        for id, version in versions.items():
            with self.shop.session.begin() as session:
                item = Item(id=id, version=version)
                session.add(item)
                result = self.shop.search.sync_record(item, session=session)
            written += result.work_ids
        return written

    def states(self) -> Counter[State]:
        """How many works are in each state."""
        found = self.shop.search.ledger.read(lambda tx: works.listed(tx, list(State)))
        return Counter(work.state for work in found)

    def documents(self) -> dict[int, int]:
        """Id and version of each document."""
        engine = self.shop.search.runtime.engine
        found = engine.documents("items", limit=200_000) if engine.index("items") else []
        return {document["id"]: document["version"] for document in found}

    def restart_engine(self) -> None:
        """Stop the engine and start it again on its file, at the same address."""
        port = self.engine.port
        self.engine.stop()
        self.engine = EmbeddedEngine(port=port, data=self.data).start()

    def forget_messages(self) -> None:
        """Lose every message that the broker holds."""
        if hasattr(self.broker, "flush"):
            self.broker.flush()
            return
        with self.shop.app.connection_for_write() as connection:
            connection.default_channel.queue_purge(self.shop.search.options.queue)

    def cut_database(self) -> None:
        """End every connection to the database but the one that does it."""
        end_connections(self.shop.engine)

    def rest(self) -> None:
        """Start whatever does not run."""
        for worker in self.workers:
            if worker.running:
                worker.thaw()
            else:
                worker.start()


def end_connections(engine: Engine) -> None:
    """Cut all connections of the application's database (not SQLite's: it has none)."""
    own = {
        "postgresql": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        f" AND {IN_ITS_OWN}",
    }.get(engine.dialect.name)
    if own is None:
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        rows = connection.execute(text(own)).all()
        if engine.dialect.name != "mysql":
            return
        for row in rows:
            try:
                connection.execute(text(f"KILL {int(row[0])}"))
            except DBAPIError:
                continue  # it ended by itself


@contextmanager
def world(
    database: str,
    broker: Any,
    folder: Path,
    *,
    level: str | None = None,
    off: str = "",
    deaths: Path | None = None,
    pools: Sequence[Pool] = ("prefork", "threads"),
    engine: Mapping[str, Any] | None = None,
    **more: Any,
) -> Iterator[World]:
    """All parts up, the ledger and the table made, and a worker of each of the `pools`.

    In the workers the mechanism `off` is switched off, and with `deaths` (a folder) they die at each step. `engine`
    are the embedded engine's arguments, `more` those of `make`.
    """
    data = folder / "engine.db"
    url = broker if isinstance(broker, str) else broker.url
    embedded = EmbeddedEngine(data=data, **(engine or {})).start()
    shop = make(url, database, embedded.url, level=level, **more)
    Base.metadata.create_all(shop.engine)
    shop.search.ledger.create_all()
    env = {"CHAOS_BROKER": url, "CHAOS_DATABASE": database, "CHAOS_ENGINE": embedded.url, "CHAOS_OFF": off}
    env |= {"CHAOS_MORE": json.dumps(more), "CHAOS_DEATHS": str(deaths or "")}
    workers = [Worker("tests.chaos.shop:app", folder=folder, pool=pool, env=env) for pool in pools]
    made = World(shop=shop, engine=embedded, broker=broker, workers=workers, data=data, level=level)
    try:
        made.rest()
        yield made
    finally:
        for worker in workers:
            worker.kill()  # what a warm shutdown does is another test's
        made.engine.stop()
        shop.engine.dispose()
