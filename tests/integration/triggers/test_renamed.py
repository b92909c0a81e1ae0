"""A table that is renamed takes its triggers along: what has its name now has none."""

from __future__ import annotations

from sqlalchemy import Engine

from scrypath_celery import Scrypath
from scrypath_celery.ledger.triggers.trigger import TriggerState
from tests.integration.triggers.library import Label, works


def test_a_table_that_takes_the_place_of_another_is_told_and_captured(library: Scrypath, engine: Engine) -> None:
    triggers = library.ledger.triggers(Label)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE label RENAME TO label_before")
        connection.exec_driver_sql("CREATE TABLE label (name VARCHAR(100) PRIMARY KEY, note VARCHAR(100), views INT)")
    told = {(one.table, one.state) for one in triggers.status()}
    assert told == {("label", TriggerState.MISSING), ("label_before", TriggerState.LEFT_OVER)}
    triggers.install()
    assert {(one.table, one.state) for one in triggers.status()} == {("label", TriggerState.INSTALLED)}
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO label (name, note) VALUES ('a', 'b')")
        connection.exec_driver_sql("INSERT INTO label_before (name, note) VALUES ('c', 'b')")
        assert works(connection, "label") == [("upsert", ["a"])]
        connection.exec_driver_sql("DROP TABLE label_before")
