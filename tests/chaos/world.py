"""What chaos strikes: database, broker, engine and workers, each a real process or a server over TCP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from scrypath_celery.embedded import EmbeddedEngine
from tests.chaos.shop import Base, Shop, make
from tests.worker import Worker


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
        "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
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
def world(database: str, broker: Any, folder: Path, *, level: str | None = None, off: str = "") -> Iterator[World]:
    """All parts up, the ledger and the table made; in the workers the mechanism `off` is switched off."""
    data = folder / "engine.db"
    url = broker if isinstance(broker, str) else broker.url
    engine = EmbeddedEngine(data=data).start()
    shop = make(url, database, engine.url, level=level)
    Base.metadata.create_all(shop.engine)
    shop.search.ledger.create_all()
    env = {"CHAOS_BROKER": url, "CHAOS_DATABASE": database, "CHAOS_ENGINE": engine.url, "CHAOS_OFF": off}
    workers = [Worker("tests.chaos.shop:app", folder=folder, pool=pool, env=env) for pool in ("prefork", "threads")]
    made = World(shop=shop, engine=engine, broker=broker, workers=workers, data=data, level=level)
    try:
        made.rest()
        yield made
    finally:
        for worker in workers:
            worker.close()
        made.engine.stop()
        shop.engine.dispose()
