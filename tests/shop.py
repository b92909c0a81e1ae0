"""A small application for tests with real workers: one model, on whatever database, broker and host a test names."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from celery import Celery, Task
from sqlalchemy import Engine, NullPool, String, create_engine, func, make_url, select
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from scrypath_celery import Scrypath
from scrypath_celery.ledger import sqlite, tables, works
from scrypath_celery.work import OPEN, State, Work

ENVIRONMENT = "SHOP"
"""The variable by which a worker process learns its `Setup`."""

_ASYNCHRONOUS = {"sqlite": "sqlite+aiosqlite", "postgresql+psycopg": "postgresql+psycopg"}


class Base(DeclarativeBase):
    """The application's models."""


class Post(Base):
    """A record with a document; a body of `unprojectable` cannot be projected for good, one of `crash` raises.

    One of `hang` hangs until it is interrupted, one of `hang on` until its process is killed.
    """

    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(String(200), default="")

    def search_document(self) -> dict[str, Any]:
        """The document."""
        if self.body == "crash":
            raise ValueError(self.title)
        while self.body in ("hang", "hang on"):
            with suppress(Exception) if self.body == "hang on" else nullcontext():
                threading.Event().wait(600)
        return {"id": self.id, "title": self.title, "body": object() if self.body == "unprojectable" else self.body}


class ContextTask(Task):
    """A host's base class, which gives every task a context, as Flask's recipe does."""

    entered: ClassVar[list[str]] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        ContextTask.entered.append(self.name)
        return super().__call__(*args, **kwargs)


def contexts(given: Any = None) -> list[str]:
    """A task of the host: the names of the tasks that its base class has run in this process."""
    return ContextTask.entered


@dataclass(frozen=True, kw_only=True)
class Setup:
    """All that makes a shop; the same in the test and in its workers.

    `options` are those of `Scrypath`, `conf` is the host's Celery configuration under `namespace`, `task_cls` names
    its base class of tasks.
    """

    broker: str
    database: str
    meilisearch_url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    conf: Mapping[str, Any] = field(default_factory=dict)
    namespace: str | None = None
    task_cls: str | None = None
    index_prefix: str = field(default_factory=lambda: f"test{secrets.token_hex(4)}")

    @classmethod
    def read(cls, text: str) -> Setup:
        """The setup that `env` wrote."""
        return cls(**json.loads(text))

    def env(self) -> dict[str, str]:
        """The environment of a worker of this shop."""
        return {ENVIRONMENT: json.dumps(asdict(self))}

    def host(self) -> Celery:
        """The host's Celery app, before it has a guest."""
        app = Celery("shop", broker=self.broker, set_as_current=False, task_cls=self.task_cls or Task)
        if self.conf:
            app.config_from_object(dict(self.conf), namespace=self.namespace)
        app.task(name="host.contexts")(contexts)
        return app


def _engine(url: str) -> Engine:
    # A publisher's thread may note something after the test: no pool keeps the connection that it opens for that.
    engine = create_engine(url, poolclass=NullPool)
    return sqlite.configure(engine) if url.startswith("sqlite") else engine


class Shop:
    """The application: its Celery app, its `Scrypath`, its database."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.engine: Engine = _engine(setup.database)
        self.Session: sessionmaker[Session] = sessionmaker(self.engine, expire_on_commit=False)
        self.app = setup.host()
        options = {"meilisearch_url": setup.meilisearch_url, "index_prefix": setup.index_prefix, **setup.options}
        self.search = Scrypath(self.app, database=self.Session, **options)
        self.search.schema(fields=["title", "body"])(Post)

    def async_engine(self) -> AsyncEngine:
        """The same database for an event loop."""
        url = make_url(self.setup.database)
        engine = create_async_engine(url.set(drivername=_ASYNCHRONOUS[url.drivername]))
        return sqlite.configure(engine) if url.get_backend_name() == "sqlite" else engine

    def create(self) -> Shop:
        """Make the tables."""
        Base.metadata.create_all(self.engine)
        self.search.ledger.create_all()
        return self

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def add(self, *ids: int, title: str = "a title", body: str = "") -> None:
        """Insert posts and sync them, in one transaction."""
        with self.Session.begin() as session:
            posts = [Post(id=id, title=title, body=body) for id in ids]
            session.add_all(posts)
            self.search.sync_records(posts, session=session)

    def works(self) -> list[Work]:
        """All works of the ledger."""
        return self.search.ledger.run(lambda tx: works.listed(tx, list(State)))

    def open(self) -> int:
        """How many works are not settled."""
        states = [state.value for state in OPEN]
        query = select(func.count()).select_from(tables.work).where(tables.work.c.state.in_(states))
        return int(self.search.ledger.run(lambda tx: tx.execute(query).scalar_one()))

    def records(self) -> dict[int, str]:
        """Id and title of each record."""
        with self.Session() as session:
            return {row.id: row.title for row in session.execute(select(Post.id, Post.title))}

    def documents(self) -> dict[int, str]:
        """Id and title of each document."""
        engine, uid = self.search.runtime.engine, self.search.runtime.uid_of(self.search.schemas.of(Post))
        if engine.index(uid) is None:
            return {}
        return {document["id"]: document["title"] for document in engine.documents(uid, limit=10_000)}

    def in_step(self) -> bool:
        """Whether all work is settled and the index equals the database."""
        return self.open() == 0 and self.documents() == self.records()
