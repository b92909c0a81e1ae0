"""Claims beside an application's own transactions, at the isolation levels that make it their victim elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select, text

from scrypath_celery.ledger import Ledger, claims, indexes, tables, works
from scrypath_celery.ledger.sqlite import configure
from scrypath_celery.work import Mode, Operation, State
from tests.integration.ledger.project import post

pytestmark = pytest.mark.one_database

WRITERS, TRANSACTIONS, CLAIMERS = 3, 40, 2
SERVERS = pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """A database at the isolation level that the facts warn of; SQLite with the events that we ship."""
    url = make_url(database_url)
    if url.get_backend_name() == "postgresql":
        # The default of the whole database, so that whoever forgets to say otherwise gets it.
        url = url.update_query_dict({"options": "-c default_transaction_isolation=serializable"})
        engine = create_engine(url, pool_size=10)
    elif url.get_backend_name() == "mysql":
        engine = create_engine(url, pool_size=10)
    else:
        engine = configure(create_engine(url, pool_size=10))
    yield engine
    engine.dispose()


def level(connection: Connection) -> str:
    query = {
        "postgresql": "SHOW transaction_isolation",
        # MariaDB and MySQL name it differently.
        "mysql": "SELECT variable_value FROM information_schema.session_variables"
        " WHERE variable_name IN ('tx_isolation', 'transaction_isolation')",
    }[connection.dialect.name]
    return str(connection.execute(text(query)).scalar()).upper().replace("-", " ")


@SERVERS
def test_our_transactions_are_read_committed_whatever_the_applications_are(ledger: Ledger, engine: Engine) -> None:
    with engine.connect() as connection:
        theirs = level(connection)
    assert theirs == {"postgresql": "SERIALIZABLE", "mysql": "REPEATABLE READ"}[engine.dialect.name]
    assert ledger.run(level) == "READ COMMITTED"
    with engine.connect() as connection:
        assert level(connection) == theirs


def write_record(connection: Connection, number: int) -> None:
    """What an application does: look, write a record, and two works beside it."""
    if connection.dialect.name != "postgresql":  # there SERIALIZABLE makes its own readers and writers conflict
        assert connection.execute(select(post.c.id).where(post.c.id == number)).first() is None
    connection.execute(post.insert().values(id=number, title=f"title {number}"))
    for id in (f"{number}", f"{number}-again"):
        works.write(connection, "post", Operation.UPSERT, [id], Mode.CELERY)


def test_writers_and_claims_never_make_each_other_fail(ledger: Ledger, engine: Engine) -> None:
    errors: list[BaseException] = []
    ledger.run(lambda tx: indexes.ensure(tx, "post"))
    event.listen(engine, "handle_error", lambda context: errors.append(context.original_exception))
    writing = threading.Barrier(WRITERS + CLAIMERS)
    over = threading.Event()

    def writer(which: int) -> None:
        writing.wait()
        for number in range(TRANSACTIONS):
            with engine.begin() as connection:
                write_record(connection, 1 + which * TRANSACTIONS + number)

    def claimer(_: int) -> list[str]:
        writing.wait()
        found: list[str] = []
        while True:
            last = over.is_set()
            claim = ledger.run(lambda tx: claims.take(tx, "post", documents=7, lease=60.0, worker="test"))
            if claim is None and last:
                return found
            if claim is not None:
                found += claim.ids
                settled = [item.id for item in claim.works]
                ledger.run(lambda tx, token=claim.token, ids=settled: works.succeed(tx, token, ids, []))  # type: ignore[misc]

    with ThreadPoolExecutor(WRITERS + CLAIMERS) as pool:
        claimers = [pool.submit(claimer, which) for which in range(CLAIMERS)]
        try:
            for _ in pool.map(writer, range(WRITERS)):
                continue
        finally:
            over.set()
        found = [id for one in claimers for id in one.result()]
    assert errors == []
    assert len(found) == len(set(found)) == WRITERS * TRANSACTIONS * 2
    assert ledger.run(lambda tx: tx.execute(select(func.count()).select_from(post)).scalar()) == WRITERS * TRANSACTIONS


def hurry(connection: Connection) -> None:
    """Fail at once, rather than wait for a lock."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
    else:
        connection.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))


@SERVERS
def test_an_application_never_waits_for_a_claim(ledger: Ledger, engine: Engine) -> None:
    with engine.begin() as connection:
        write_record(connection, 1)
    with ledger.begin() as ours:
        claim = claims.take(ours, "post", documents=10, lease=60.0, worker="test")
        assert claim is not None
        with engine.begin() as connection:
            hurry(connection)
            write_record(connection, 2)
    assert ledger.run(lambda tx: works.counts(tx))["post"] == {State.RUNNING: 2, State.PENDING: 2}


@SERVERS
def test_a_claim_never_waits_for_an_application(ledger: Ledger, engine: Engine) -> None:
    with engine.begin() as connection:
        write_record(connection, 1)
    with engine.begin() as connection:
        write_record(connection, 2)
        with ledger.begin() as ours:
            hurry(ours)
            claim = claims.take(ours, "post", documents=10, lease=60.0, worker="test")
    assert claim is not None
    assert claim.ids == ("1", "1-again")


@SERVERS
def test_a_first_claim_makes_the_index_row_beside_an_open_transaction(ledger: Ledger, engine: Engine) -> None:
    with engine.begin() as connection:
        write_record(connection, 1)
        with ledger.begin() as ours:
            hurry(ours)
            assert claims.take(ours, "post", documents=10, lease=60.0, worker="test") is None
    assert ledger.run(lambda tx: tx.execute(select(tables.index.c.index_uid)).scalars().all()) == ["post"]


@SERVERS
def test_many_first_claims_of_an_index_make_one_row(ledger: Ledger, engine: Engine) -> None:
    with engine.begin() as connection:
        for number in range(1, 9):
            write_record(connection, number)
    together = threading.Barrier(4)

    def claimer(_: int) -> Callable[[], int]:
        together.wait()
        claim = ledger.run(lambda tx: claims.take(tx, "post", documents=2, lease=60.0, worker="test"))
        assert claim is not None
        return lambda: claim.number

    with ThreadPoolExecutor(4) as pool:
        numbers = sorted(number() for number in pool.map(claimer, range(4)))
    assert numbers == [1, 2, 3, 4]
