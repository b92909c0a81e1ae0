"""The synchronous side of an asynchronous database: the same options, no thread or password left behind."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from celery import Celery
from sqlalchemy import NullPool, StaticPool, create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from scrypath_celery import Scrypath
from scrypath_celery.binding import bind, synchronous
from scrypath_celery.config import Options
from scrypath_celery.errors import WrongDatabase
from scrypath_celery.ledger import Ledger
from scrypath_celery.worker.publisher import Publisher
from tests.deadline import PATIENCE, eventually


def asynchronous(url: str, **options: Any) -> AsyncEngine:
    return create_async_engine(make_url(url), **options)


def show(engine: Any, setting: str) -> str:
    with engine.connect() as connection:
        return str(connection.execute(text(f"SHOW {setting}")).scalar())


def test_connect_arguments_are_kept(postgresql_url: str) -> None:
    given = asynchronous(postgresql_url, connect_args={"options": "-c search_path=tenant", "application_name": "shop"})
    engine = synchronous(given)
    assert (show(engine, "search_path"), show(engine, "application_name")) == ("tenant", "shop")
    engine.dispose()


def test_an_async_sessionmaker_keeps_them_too(postgresql_url: str) -> None:
    given = asynchronous(postgresql_url, connect_args={"options": "-c search_path=tenant"})
    make, engine = bind(async_sessionmaker(given))
    with make() as session:
        assert session.execute(text("SHOW search_path")).scalar() == "tenant"
    engine.dispose()


def test_pool_options_are_kept(postgresql_url: str) -> None:
    options = {"pool_size": 3, "max_overflow": 1, "pool_timeout": 7, "pool_recycle": 99, "pool_pre_ping": True}
    pool: Any = synchronous(asynchronous(postgresql_url, **options, pool_use_lifo=True)).pool
    assert (pool.size(), pool._max_overflow, pool._timeout, pool._recycle, pool._pre_ping) == (3, 1, 7, 99, True)
    assert pool._pool.use_lifo


@pytest.mark.parametrize("kind", [NullPool, StaticPool])
def test_the_kind_of_the_pool_is_kept(postgresql_url: str, kind: type) -> None:
    assert type(synchronous(asynchronous(postgresql_url, poolclass=kind)).pool) is kind


def test_isolation_level_and_execution_options_are_kept(postgresql_url: str) -> None:
    given = asynchronous(postgresql_url, isolation_level="REPEATABLE READ", execution_options={"logging_token": "shop"})
    engine = synchronous(given)
    assert show(engine, "transaction_isolation") == "repeatable read"
    assert engine.get_execution_options() == {"logging_token": "shop"}
    engine.dispose()


def test_a_sqlite_file_keeps_its_arguments(sqlite_url: str) -> None:
    given = create_async_engine(sqlite_url.replace("sqlite:", "sqlite+aiosqlite:"), connect_args={"timeout": 3.5})
    engine = synchronous(given)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 3500
    engine.dispose()


def publishers() -> int:
    return sum(thread.name == "scrypath-publisher" for thread in threading.enumerate())


@pytest.mark.parametrize("replace", ["override", "init_app"])
def test_replaced_options_end_their_publisher(redis_url: str, replace: str) -> None:
    app = Celery("host", broker=redis_url, set_as_current=False)
    database = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    search = Scrypath(app, database=database)
    search.ledger.create_all()
    before = publishers()
    for _ in range(5):
        if replace == "override":
            with search.override(backoff=1.0):
                search.runtime.publish("posts", (1,))
        else:
            search.init_app(app, backoff=1.0)
            search.runtime.publish("posts", (1,))
    search.init_app(app)
    eventually(lambda: publishers() <= before, what="no publisher is left")
    database.dispose()


def test_a_publisher_that_was_closed_starts_again(redis_url: str) -> None:
    app = Celery("host", broker=redis_url, set_as_current=False)
    Scrypath(app)
    publisher, before = Publisher(app, "search_sync", seconds=5.0), publishers()
    for _ in range(3):
        publisher.publish("posts", (1,))
        assert publisher.flush(PATIENCE)
        publisher.close()
    eventually(lambda: publishers() <= before, what="no publisher is left")


@pytest.mark.parametrize("shown", [repr, str])
def test_options_show_no_secrets(shown: Any) -> None:
    options = Options(meilisearch_url="http://me:hunter22@127.0.0.1:7700", meilisearch_api_key="hunter22")
    assert "hunter22" not in shown(options)


def test_an_error_about_two_databases_shows_no_secrets(sqlite_url: str, postgresql_url: str) -> None:
    here, there = create_engine(sqlite_url), create_engine(postgresql_url)
    for engine in (here, there):
        Ledger(lambda engine=engine: engine).create_all()  # type: ignore[misc]
    address = make_url(postgresql_url).set(password="hunter22").update_query_dict({"options": "-c a.b=hunter23"})
    elsewhere = create_engine(address)
    with elsewhere.connect() as connection, pytest.raises(WrongDatabase) as caught:
        Ledger(lambda: here).admit(connection)
    assert "hunter" not in str(caught.value)
    for engine in (here, there, elsewhere):
        engine.dispose()
