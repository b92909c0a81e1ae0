"""`database=`: the sessionmaker and the synchronous Engine behind what an application calls its database."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from .asynchronous import of_asyncio
from .errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker

SYNCHRONOUS = {"aiosqlite": "pysqlite", "asyncpg": "psycopg", "aiomysql": "pymysql", "asyncmy": "pymysql"}
"""Drivers for asyncio and the ones that workers and commands use for the same database."""


def bind(database: Any) -> tuple[Callable[[], Session], Engine]:
    """The session factory through which records are read, and the Engine that records and ledger share.

    `database` is an Engine, a sessionmaker (or scoped_session), an AsyncEngine or async_sessionmaker, or a callable
    that returns one. Of the asynchronous ones workers use the synchronous side: the same URL with a driver that
    does not need an event loop.

    Raises:
        ConfigError: it is none of these, or has no Engine.
    """
    if isinstance(database, scoped_session):
        database = database.session_factory
    if isinstance(database, Engine):
        return sessionmaker(database), database
    if isinstance(database, of_asyncio("AsyncEngine")):
        engine = synchronous(database)
        return sessionmaker(engine), engine
    if isinstance(database, of_asyncio("async_sessionmaker")):
        return _of_async_maker(database)
    if isinstance(database, sessionmaker):
        return database, _engine_of(database)
    if callable(database) and not isinstance(database, type):
        return bind(database())
    raise ConfigError(
        "option 'database' must be an Engine, a sessionmaker, an AsyncEngine, an async_sessionmaker or a callable"
        f" that returns one, not {type(database).__name__}"
    )


def synchronous(engine: AsyncEngine) -> Engine:
    """An Engine for the same database whose driver needs no event loop."""
    url = engine.sync_engine.url
    backend, _, driver = url.drivername.partition("+")
    return create_engine(url.set(drivername=f"{backend}+{SYNCHRONOUS.get(driver, driver)}" if driver else backend))


def _of_async_maker(maker: async_sessionmaker[Any]) -> tuple[Callable[[], Session], Engine]:
    options = dict(maker.kw)
    found = options.pop("bind", None)
    if not isinstance(found, of_asyncio("AsyncEngine")):
        raise ConfigError("option 'database': the async_sessionmaker has no bind")
    engine = synchronous(found)
    kind = options.pop("sync_session_class", None) or getattr(maker.class_, "sync_session_class", Session)
    return sessionmaker(engine, class_=kind, **options), engine


def _engine_of(maker: sessionmaker[Any]) -> Engine:
    candidates = [maker.kw.get("bind"), *(maker.kw.get("binds") or {}).values()]
    for found in candidates:
        if isinstance(found, Engine):
            return found
        if isinstance(found, Connection):
            return found.engine
    with maker() as session:
        found = session.get_bind()
    return found.engine if isinstance(found, Connection) else found
