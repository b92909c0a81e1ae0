"""What is lost is told: triggers that went with their table, and changes that none of them can see."""

from __future__ import annotations

from sqlalchemy import Engine, Table

from scrypath_celery import Scrypath
from scrypath_celery.ledger.triggers.trigger import TriggerState
from tests.integration.triggers.library import Author, Label, Part, works


def test_a_table_that_is_made_anew_is_told_to_lack_its_triggers(lend_library: tuple[Scrypath, Engine]) -> None:
    search, engine = lend_library
    triggers, table = search.ledger.triggers(Label), Label.__table__
    assert isinstance(table, Table)
    assert search.ledger.read(triggers.standing_if_any) == ()
    triggers.install()
    table.drop(engine)
    table.create(engine)
    told = search.ledger.read(triggers.standing_if_any)
    assert ("label", TriggerState.MISSING) in {(one.table, one.state) for one in told}
    triggers.install()
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO label (name, note) VALUES ('a', 'b')")
        assert works(connection, "label") == [("upsert", ["a"])]
    triggers.remove()
    assert search.ledger.read(triggers.standing_if_any) == ()


def test_an_action_that_only_the_database_knows_is_told(lend_library: tuple[Scrypath, Engine]) -> None:
    search, engine = lend_library
    with engine.begin() as connection:
        if engine.dialect.name == "mysql":
            connection.exec_driver_sql(
                "ALTER TABLE part ADD CONSTRAINT late FOREIGN KEY (id) REFERENCES author (id) ON DELETE CASCADE"
            )
    triggers = search.ledger.triggers(Part)
    triggers.install()
    misses = {one.table: one.misses for one in triggers.status()}
    wanted = "ON DELETE CASCADE of late, which is not declared" if engine.dialect.name == "mysql" else None
    assert misses["part"] == wanted
    assert misses.get(Author.__tablename__) is None
