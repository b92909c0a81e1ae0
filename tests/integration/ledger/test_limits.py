"""Who only looks waits for nobody long: a lock, a frozen database, one that is not there."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from scrypath_celery.errors import LedgerError, LedgerUnavailable
from scrypath_celery.ledger import Ledger, indexes, works
from scrypath_celery.ledger.limits import within
from scrypath_celery.worker.apart import look_apart
from tests.deadline import PATIENCE, eventually
from tests.worker import children

SERVERS = pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)
LOCKS = {
    "postgresql": "LOCK TABLE scrypath_work, scrypath_index IN ACCESS EXCLUSIVE MODE",
    "mysql": "LOCK TABLES scrypath_work WRITE, scrypath_index WRITE, scrypath_ledger WRITE",
}


def look(connection: Connection) -> Any:
    return works.counts(connection), indexes.listed(connection)


def settings(connection: Connection) -> list[Any]:
    if connection.dialect.name == "postgresql":
        query = "SELECT current_setting('statement_timeout'), current_setting('lock_timeout')"
    elif connection.dialect.name == "sqlite":
        query = "PRAGMA busy_timeout"
    else:
        query = "SELECT @@innodb_lock_wait_timeout, @@lock_wait_timeout, @@max_statement_time"
    return list(connection.execute(text(query)).one())


@pytest.fixture
def silent_server() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@SERVERS
def test_a_look_does_not_wait_for_a_lock(ledger: Ledger, engine: Engine) -> None:
    ledger.identity()
    with engine.connect() as holder, holder.begin():
        holder.execute(text(LOCKS[engine.dialect.name]))
        before = time.monotonic()
        with pytest.raises(LedgerUnavailable):
            ledger.within(1.0).read(look)
        assert time.monotonic() - before < 5
        if engine.dialect.name == "mysql":
            holder.execute(text("UNLOCK TABLES"))
    assert ledger.within(1.0).read(look)


@SERVERS
def test_a_change_by_who_looks_does_not_wait_for_a_lock_either(ledger: Ledger, engine: Engine) -> None:
    ledger.run(lambda tx: indexes.ensure(tx, "post"))
    with engine.connect() as holder, holder.begin():
        holder.execute(text("SELECT * FROM scrypath_index FOR UPDATE"))
        before = time.monotonic()
        with pytest.raises(LedgerError), ledger.within(1.0).begin() as connection:
            indexes.write_rebuild(connection, "post", None)
        assert time.monotonic() - before < 5


def test_the_applications_connections_keep_their_own_limits(ledger: Ledger, engine: Engine) -> None:
    with engine.connect() as connection:
        before = settings(connection)
    assert ledger.within(2.0).read(settings) != before
    for _ in range(3):
        with engine.connect() as connection:
            assert settings(connection) == before


def looks(threads: set[threading.Thread]) -> list[threading.Thread]:
    """Those of these threads in which somebody looks into a ledger."""
    return [one for one in threads if one.name == "scrypath-look"]


def test_a_connection_of_a_look_that_was_given_up_goes_back_to_no_pool(ledger: Ledger, engine: Engine) -> None:
    go_on, closed, others = threading.Event(), list[Any](), set(threading.enumerate())
    event.listen(engine, "close_detached", closed.append)
    with pytest.raises(LedgerUnavailable):
        ledger.within(0.1).read(lambda tx: go_on.wait(PATIENCE))
    go_on.set()
    eventually(lambda: not looks(set(threading.enumerate()) - others), what="the look is over")
    assert len(closed) == 1


@pytest.mark.parametrize("driver", ["postgresql+psycopg", "mysql+pymysql"])
def test_a_server_that_never_answers_is_given_up(silent_server: int, driver: str) -> None:
    engine = create_engine(f"{driver}://somebody@127.0.0.1:{silent_server}/shop")
    before = time.monotonic()
    with pytest.raises(LedgerUnavailable, match=r"within 0\.5 s"):
        Ledger(lambda: engine).within(0.5).read(look)
    assert time.monotonic() - before < 5


def test_what_a_bounded_function_raises_comes_out() -> None:
    with pytest.raises(KeyError):
        within(5.0, lambda: os.environ["NOTHING_OF_THIS_NAME"])


@pytest.mark.parametrize("fork", [True, False])
def test_a_look_apart_replies(fork: bool) -> None:
    assert look_apart(lambda: {"found": [1, "a"]}, seconds=20.0, fork=fork) == {"found": [1, "a"]}


@pytest.mark.parametrize("fork", [True, False])
def test_a_look_apart_that_fails_says_why_in_one_line(fork: bool) -> None:
    def fail() -> dict[str, Any]:
        raise LedgerError("no ledger")

    assert look_apart(fail, seconds=20.0, fork=fork) == {"error": "no ledger"}


@pytest.mark.parametrize("fork", [True, False])
def test_a_look_apart_is_given_up_in_time(silent_server: int, fork: bool) -> None:
    def wait() -> dict[str, Any]:
        with socket.create_connection(("127.0.0.1", silent_server)) as connection:
            return {"told": str(connection.recv(1))}

    before = time.monotonic()
    assert "0.2 s" in look_apart(wait, seconds=0.2, fork=fork)["error"]
    assert time.monotonic() - before < 5


def test_a_look_in_a_child_says_more_than_a_pipe_holds() -> None:
    assert len(look_apart(lambda: {"text": "a" * 1_000_000}, seconds=20.0, fork=True)["text"]) == 1_000_000


def test_a_look_in_a_child_leaves_no_child_behind() -> None:
    before = children(os.getpid())
    look_apart(lambda: {"pid": os.getpid()}, seconds=20.0, fork=True)
    assert children(os.getpid()) == before
