"""`database=`: the sessionmaker and the synchronous Engine behind what an application calls its database."""

from __future__ import annotations

from collections.abc import Callable
from inspect import getclosurevars
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, NullPool, QueuePool, StaticPool, create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from .asynchronous import of_asyncio
from .connect_arguments import translated
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
    """An Engine for the same database whose driver needs no event loop.

    It has the connect arguments of the other (translated for its own driver), its pool's options, isolation level and
    execution options.
    """
    given = engine.sync_engine
    backend, _, driver = given.url.drivername.partition("+")
    url = given.url.set(drivername=f"{backend}+{SYNCHRONOUS.get(driver, driver)}" if driver else backend)
    arguments = _connect_arguments(given)
    if driver == "asyncpg":  # it has names of its own in the URL too
        arguments, url = {**url.query, **arguments}, url.set(query={})
    options = {"connect_args": translated(driver, arguments), **_pool_options(given)}
    level = getattr(given.dialect, "_on_connect_isolation_level", None)  # private: else one would have to connect
    if level is not None:
        options["isolation_level"] = level
    return create_engine(url, execution_options=dict(given.get_execution_options()), **options)


def _connect_arguments(engine: Engine) -> dict[str, Any]:
    """What an engine was given as `connect_args`, which it keeps nowhere but in the function that connects."""
    try:
        found = getclosurevars(engine.pool._creator).nonlocals
    except TypeError:  # a creator of the application's own, which need not be a function
        return {}
    of_url = engine.dialect.create_connect_args(engine.url)[1]
    kept: dict[str, Any] = found.get("cparams") or {}
    return {name: value for name, value in kept.items() if name not in of_url or of_url[name] != value}


def _pool_options(engine: Engine) -> dict[str, Any]:
    # Private, since a pool tells what it was made with nowhere else; `recreate()` would keep its asynchronous driver.
    pool = engine.pool
    options: dict[str, Any] = {"pool_recycle": pool._recycle, "pool_pre_ping": pool._pre_ping}
    if isinstance(pool, NullPool | StaticPool):
        return {**options, "poolclass": type(pool)}
    if isinstance(pool, QueuePool):
        options |= {"pool_size": pool.size(), "max_overflow": pool._max_overflow, "pool_timeout": pool._timeout}
        return {**options, "pool_use_lifo": pool._pool.use_lifo, "poolclass": QueuePool}
    return options


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
