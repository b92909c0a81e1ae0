"""The ledger's clock: one for all, and no zone moves it."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import Engine, create_engine, event, select, text, update

from scrypath_celery.ledger import Ledger, maintenance, overview, tables
from scrypath_celery.ledger.clock import now
from tests.deadline import eventually

pytestmark = pytest.mark.one_database

MARIADB = pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
AUTUMN = 1_761_440_399
"""2025-10-26 00:59:59 UTC: in Berlin 02:59:59 in summer time, a second before the clock goes back."""


def test_it_is_the_time_since_the_epoch(ledger: Ledger) -> None:
    assert abs(ledger.run(overview.time) - time.time()) < 60


def test_it_moves_between_the_statements_of_a_transaction(ledger: Ledger) -> None:
    with ledger.begin() as connection:
        first = overview.time(connection)
        eventually(lambda: overview.time(connection) > first, what="the clock moves")


def test_it_has_fractions_of_a_second(ledger: Ledger) -> None:
    assert eventually(lambda: ledger.run(overview.time) % 1, what="a fraction")


@MARIADB
@pytest.mark.parametrize("zone", ["+00:00", "-11:00", "+13:00"])
def test_the_sessions_zone_does_not_move_it(database_url: str, zone: str) -> None:
    engine = create_engine(database_url)

    @event.listens_for(engine, "connect")
    def set_zone(connection: object, _: object) -> None:
        connection.cursor().execute(f"SET time_zone = '{zone}'")  # type: ignore[attr-defined]

    with engine.connect() as connection:
        found = connection.execute(select(now())).scalar_one()
    engine.dispose()
    assert abs(found - time.time()) < 60


@MARIADB
@pytest.mark.parametrize("seconds", [0, 1, 2, 3_600, 3_601])
def test_it_goes_on_evenly_where_summer_time_ends(engine: Engine, seconds: int) -> None:
    # The hour after the change has the same local names as the one before: `timestamp` sets the session's clock.
    with engine.connect() as connection:
        if not connection.execute(text("SELECT count(*) FROM mysql.time_zone_name")).scalar():
            connection.execute(text("SET time_zone = 'SYSTEM'"))
        else:
            connection.execute(text("SET time_zone = 'Europe/Berlin'"))
        connection.execute(text(f"SET timestamp = {AUTUMN + seconds}"))
        assert connection.execute(select(now())).scalar_one() == AUTUMN + seconds


@pytest.mark.parametrize("ahead", [3_600.0, 60.0, 86_400.0])
def test_a_pass_is_due_where_the_last_one_lies_in_the_future(ledger: Ledger, ahead: float) -> None:
    ledger.identity()
    ledger.run(lambda tx: tx.execute(update(tables.ledger).values(relayed_at=now() + ahead)))
    assert ledger.run(lambda tx: maintenance.begin_pass(tx, 5.0))
    assert not ledger.run(lambda tx: maintenance.begin_pass(tx, 5.0))
