"""What runs all day touches a bounded number of rows, whatever is settled or waits for a later time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from scrypath_celery.ledger import Ledger, claims, indexes, maintenance, overview, ready, submitted, unresolved, works

pytestmark = pytest.mark.one_database

SETTLED, WAITING, READY = 30_000, 10_000, 20
BOUND = 500
"""Rows that a statement may read: far fewer than are settled or wait."""

NUMBERS = {"postgresql": "generate_series(1, {n}) AS g(seq)", "mysql": "seq_1_to_{n} AS g"}
INSERT = """
    INSERT INTO scrypath_work (index_uid, operation, ids, documents, priority, mode, state, attempts, claims,
        created_at, publish_after, available_at, finished_at, claim_number)
    SELECT '{uid}', 'upsert', '["1"]', 1, 0, 'celery', '{state}', 0, 0, {at}, {at}, {at}, {finished}, {number}
    FROM {numbers}"""
LATER, LONG_AGO = 4e9, 1000.0


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """A ledger with a long history and many works that back off; PostgreSQL plans once for all parameters."""
    with request.getfixturevalue(request.param).database() as address:
        url, options = make_url(address), {}
        if request.param == "postgresql":
            url = url.update_query_dict({"options": "-c plan_cache_mode=force_generic_plan"})
            options = {"prepare_threshold": 0}
        engine = create_engine(url, connect_args=options)
        fill(engine)
        yield engine
        engine.dispose()


def fill(engine: Engine) -> None:
    ledger = Ledger(lambda: engine)
    ledger.create_all()
    ledger.run(lambda tx: indexes.ensure(tx, "post"))
    rows = [
        ("post", "succeeded", SETTLED, LONG_AGO, LATER, 1),
        ("post", "retrying", WAITING, LATER, "NULL", "NULL"),
        ("post", "pending", READY, LONG_AGO, "NULL", "NULL"),
        ("rare", "pending", 1, LONG_AGO, "NULL", "NULL"),
    ]
    with engine.begin() as connection:
        for uid, state, count, at, finished, number in rows:
            numbers = NUMBERS[engine.dialect.name].format(n=count)
            values = {"uid": uid, "state": state, "at": at, "finished": finished, "number": number}
            connection.execute(text(INSERT.format(numbers=numbers, **values)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        table = "" if engine.dialect.name == "postgresql" else "TABLE"
        connection.execute(text(f"ANALYZE {table} scrypath_work"))


def rows_read(connection: Connection) -> int:
    """Rows that this transaction (MariaDB: this session) has read so far."""
    if connection.dialect.name == "postgresql":
        query = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
        return int(connection.execute(text(query)).scalar() or 0)
    found = connection.execute(text("SHOW SESSION STATUS LIKE 'Handler_read%'"))
    return sum(int(row[1]) for row in found)


def locked_rows(connection: Connection) -> int:
    query = "SELECT trx_rows_locked FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = connection_id()"
    return int(connection.execute(text(query)).scalar() or 0)


def take(connection: Connection, documents: int = 5) -> Any:
    return claims.take(connection, "post", documents=documents, lease=60.0, worker="test")


def take_all_and_then_none(connection: Connection) -> None:
    assert take(connection, 5_000) is not None
    assert take(connection, 5_000) is None


EVERYDAY: dict[str, Callable[[Connection], Any]] = {
    "claim": take,
    "claim of all": take_all_and_then_none,
    "any ready": lambda tx: ready.any_ready(tx, "post"),
    "any ready of an index without": lambda tx: ready.any_ready(tx, "none"),
    "due": lambda tx: maintenance.due(tx, again=0.0),
    "prune": lambda tx: maintenance.prune(tx, keep_succeeded=86_400.0, keep_cancelled=86_400.0),
    "awaiting": submitted.awaiting,
    "unresolved": unresolved.listed,
    "running": lambda tx: works.running(tx, "nobody"),
    "give back": lambda tx: works.give_back(tx, "nobody", keep_claim_count=True),
    "last success": lambda tx: overview.last_succeeded(tx, "post"),
    "oldest due": lambda tx: overview.oldest_due(tx, "post"),
}


@pytest.mark.parametrize("name", EVERYDAY)
def test_it_reads_a_bounded_number_of_rows(engine: Engine, name: str) -> None:
    with engine.connect() as connection:
        before = rows_read(connection)
        EVERYDAY[name](connection)
        read = rows_read(connection) - before
        connection.rollback()
    assert read < BOUND


@pytest.mark.parametrize("engine", ["mariadb"], indirect=True)
def test_a_claim_locks_the_works_that_it_takes_and_no_others(engine: Engine) -> None:
    with engine.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        assert len(take(connection).works) == 5
        assert locked_rows(connection) < 5 * READY
        connection.rollback()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_works_that_a_claim_leaves_can_be_locked_by_others(engine: Engine) -> None:
    with engine.connect() as connection, engine.connect() as other:
        held = {item.id for item in take(connection).works}
        query = "SELECT id FROM scrypath_work WHERE state = 'pending' AND index_uid = 'post' FOR UPDATE SKIP LOCKED"
        free = set(other.execute(text(query)).scalars())
        assert len(free) == READY - len(held)
        connection.rollback()
