"""The application under chaos: one class, written by the tests and by nobody else, and a worker's module."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from celery import Celery
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Mapped, Session, mapped_column, sessionmaker

from scrypath_celery import Scrypath
from scrypath_celery.ledger.sqlite import configure
from tests.chaos import related as related_tables
from tests.chaos.base import Base
from tests.chaos.deaths import die_at_each_step
from tests.chaos.off import switch_off

OPTIONS: dict[str, Any] = {
    "lease": 2.0,
    "relay_period": 0.5,
    "publish_grace": 1.0,
    "pause_max": 1.0,
    "backoff": 0.1,
    "backoff_max": 0.5,
    "engine_timeout": 1.0,
    "engine_connect_timeout": 1.0,
    "await_seconds": 3.0,
    "task_seconds": 5.0,
    "broker_seconds": 1.0,
    "max_claims": 50,
    "max_attempts": 50,
}
"""Short times, so that what takes a minute in production takes seconds here; many tries, so that no fault that is
lifted in the end leaves a dead letter."""

HOT = 5
"""Ids below it are written more often than others."""


TRANSIENT = "CHAOS_TRANSIENT"
"""The variable by which workers learn how many of their projections fail, for no lasting reason."""


EXIT, HANG, LARGE = -1, -2, -3
"""Versions of items that end the process that projects them, that are never projected, that have 500 kB of text."""


class Item(Base):
    """What is written."""

    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]

    def search_document(self) -> dict[str, Any]:
        """The document."""
        if self.version == EXIT:
            os._exit(1)
        while self.version == HANG:
            pass
        if random.random() < float(os.environ.get(TRANSIENT, 0)):
            raise TimeoutError
        body = {"body": "x" * 500_000} if self.version == LARGE else {}
        return {"id": self.id, "version": self.version, **body}


@dataclass(frozen=True, kw_only=True)
class Shop:
    """An application: its Celery app, its Scrypath and its sessions."""

    app: Celery
    search: Scrypath
    engine: Engine
    session: sessionmaker[Session]


def make(
    broker: str,
    database: str,
    meilisearch: str,
    *,
    level: str | None = None,
    options: Mapping[str, Any] | None = None,
    limit: float | None = None,
    related: bool = False,
) -> Shop:
    """The application; `level` is the isolation level of its own sessions, `limit` (seconds) that of a task.

    With `related` it has entries, too, whose documents show related records.
    """
    app = Celery("chaos", broker=broker, set_as_current=False)
    app.conf.broker_connection_retry_on_startup = True
    app.conf.worker_cancel_long_running_tasks_on_connection_loss = False
    app.conf.broker_connection_max_retries = None
    if broker.startswith("redis"):
        app.conf.broker_transport_options = {"socket_timeout": 2, "socket_connect_timeout": 2}
    engine = create_engine(database, pool_pre_ping=True, **({"isolation_level": level} if level else {}))
    if engine.dialect.name == "sqlite":
        configure(engine)
    session = sessionmaker(engine)
    search = Scrypath(app, database=session, meilisearch_url=meilisearch, **(OPTIONS | dict(options or {})))
    search.schema(fields=["version"], sortable=["version"])(Item)
    if related:
        related_tables.declare(search, engine)
    if limit is not None:
        app.tasks["scrypath.sync"].soft_time_limit, app.tasks["scrypath.sync"].time_limit = limit, limit + 20
    return Shop(app=app, search=search, engine=engine, session=session)


def __getattr__(name: str) -> Any:
    if name != "app":
        raise AttributeError(name)
    environ = os.environ
    if environ.get("CHAOS_OFF"):
        switch_off(environ["CHAOS_OFF"])
    if environ.get("CHAOS_DEATHS"):
        die_at_each_step(Path(environ["CHAOS_DEATHS"]))
    more = json.loads(environ["CHAOS_MORE"])
    return make(environ["CHAOS_BROKER"], environ["CHAOS_DATABASE"], environ["CHAOS_ENGINE"], **more).app
