"""SQLite: an application's sessions beside our claims, with and without the events that we ship."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import Engine, create_engine, event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from scrypath_celery.errors import ConfigError
from scrypath_celery.ledger import Ledger, works
from scrypath_celery.ledger.sqlite import configure
from scrypath_celery.work import Mode, Operation
from tests.deadline import PATIENCE
from tests.integration.ledger.project import metadata, post

PENDING = {"post": {"pending": 1}}


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    engine = configure(create_engine(sqlite_url))
    metadata.create_all(engine)
    Ledger(lambda: engine).create_all()
    yield engine
    engine.dispose()


def enqueue(ledger: Ledger) -> None:
    ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1"], Mode.CELERY))


def test_a_configured_engine_begins_immediate_in_wal_mode_and_waits(engine: Engine) -> None:
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with engine.begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
    assert statements[0] == "BEGIN IMMEDIATE"


def test_configuring_twice_begins_once(engine: Engine) -> None:
    assert configure(engine) is engine
    with engine.begin() as connection:
        connection.execute(post.insert().values(id=1, title="one"))


def test_an_application_that_reads_and_then_writes_is_not_overtaken(engine: Engine) -> None:
    ledger = Ledger(lambda: engine)
    began = Event()

    def claim() -> None:
        began.set()
        enqueue(ledger)

    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            assert connection.execute(select(post)).all() == []
            done = pool.submit(claim)
            assert began.wait(PATIENCE)
            connection.execute(post.insert().values(id=1, title="one"))
            assert not done.done()
        done.result()
    assert ledger.run(works.counts) == PENDING


def test_without_the_events_an_application_that_is_overtaken_fails_at_once(sqlite_url: str, engine: Engine) -> None:
    plain = create_engine(sqlite_url)
    event.listen(plain, "connect", lambda driver, _: setattr(driver, "isolation_level", None))
    event.listen(plain, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with plain.connect() as connection:
        assert connection.execute(select(post)).all() == []
        enqueue(Ledger(lambda: engine))
        with pytest.raises(OperationalError, match="locked"):
            connection.execute(post.insert().values(id=1, title="one"))
    plain.dispose()


def test_a_transaction_that_never_writes_can_leave_the_lock_alone(engine: Engine) -> None:
    with engine.connect().execution_options(sqlite_begin="DEFERRED") as connection:
        assert connection.execute(select(post)).all() == []
        enqueue(Ledger(lambda: engine))
    assert Ledger(lambda: engine).run(works.counts) == PENDING


def test_our_transactions_begin_immediate_on_an_engine_without_the_events(sqlite_url: str, engine: Engine) -> None:
    plain = create_engine(sqlite_url)
    ledger = Ledger(lambda: plain)
    ledger.identity()
    statements: list[str] = []
    event.listen(plain, "before_cursor_execute", lambda *args: statements.append(args[2]))
    enqueue(ledger)
    assert statements[0] == "BEGIN IMMEDIATE"
    plain.dispose()


def test_an_async_engine_can_be_configured_too(sqlite_url: str) -> None:
    async def begin() -> object:
        engine = configure(create_async_engine(sqlite_url.replace("sqlite:", "sqlite+aiosqlite:")))
        statements: list[str] = []
        event.listen(engine.sync_engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
        async with engine.begin() as connection:
            mode = (await connection.execute(text("PRAGMA journal_mode"))).scalar()
        await engine.dispose()
        return statements[0], mode

    assert asyncio.run(begin()) == ("BEGIN IMMEDIATE", "wal")


def test_an_engine_of_another_database_is_refused() -> None:
    with pytest.raises(ConfigError, match="postgresql"):
        configure(create_engine("postgresql+psycopg://nobody@127.0.0.1/nothing"))
