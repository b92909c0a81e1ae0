"""Triggers are installed, renewed and removed as often as one likes, and leave nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    Enum,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    TypeDecorator,
    create_engine,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery import Scrypath, include_name
from scrypath_celery.errors import LedgerError, LedgerMissing, SchemaError
from scrypath_celery.ledger.tables import metadata
from scrypath_celery.ledger.triggers.installed import installed
from scrypath_celery.ledger.triggers.places import in_turn
from scrypath_celery.ledger.triggers.trigger import Found, TriggerState
from scrypath_celery.ledger.triggers.triggers import Triggers
from tests.deadline import eventually
from tests.integration.triggers.library import MODELS, Base, Book, Truck, works


def states(triggers: Triggers) -> set[TriggerState]:
    return {one.state for one in triggers.status()}


def there(engine: Engine, index_uid: str) -> list[str]:
    with engine.connect() as connection:
        return [found.name for found in installed(connection, index_uid)]


def functions(connection: Connection) -> list[str]:
    if connection.dialect.name != "postgresql":
        return []
    return list(
        connection.execute(text("SELECT proname FROM pg_proc WHERE starts_with(proname, 'scrypath_')")).scalars()
    )


@pytest.fixture
def triggers(library: Scrypath) -> Iterator[Triggers]:
    """The triggers of books, which are there again at the end."""
    found = library.ledger.triggers(Book)
    yield found
    found.install()


def test_installing_again_changes_nothing(triggers: Triggers) -> None:
    assert states(triggers) == {TriggerState.INSTALLED}
    assert triggers.install() == ()


def test_what_was_removed_leaves_nothing_behind(library: Scrypath, engine: Engine, triggers: Triggers) -> None:
    assert {one.schema for one in triggers.remove()} == {"Book"}
    assert there(engine, "book") == []
    assert states(triggers) == {TriggerState.MISSING}
    assert triggers.remove() == ()
    assert there(engine, "truck") != []  # another schema's stay
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO book (id, title) VALUES (1, 'a')")
        assert works(connection, "book") == []
        assert not [name for name in functions(connection) if name.startswith("scrypath_book")]
        connection.exec_driver_sql("DELETE FROM book")


def test_a_trigger_that_is_lost_or_of_another_release_is_made_anew(engine: Engine, triggers: Triggers) -> None:
    with engine.begin() as connection:
        found = installed(connection, "book")
        connection.exec_driver_sql(found[0].drop[0])
    assert TriggerState.OUTDATED in states(triggers)
    assert [one.state for one in triggers.install()] == [TriggerState.OUTDATED]
    assert states(triggers) == {TriggerState.INSTALLED}


def test_triggers_of_another_version_say_which_they_are_and_which_are_wanted(engine: Engine) -> None:
    search = Scrypath(None, database=engine)
    search.schema(fields=["title"], index="book")(Book)
    (found,) = [one for one in search.ledger.triggers(Book).status() if one.table == "book"]
    (there,) = {one.mark for one in _of_book(engine)}
    assert (found.state, found.version) == (TriggerState.OUTDATED, there)
    assert found.wanted not in (there, None)
    assert found.told == f"outdated({there},wanted={found.wanted})"


def _of_book(engine: Engine) -> list[Found]:
    with engine.connect() as connection:
        return [one for one in installed(connection, "book") if one.table == "book"]


def test_several_processes_can_install_them_at_once(library: Scrypath, triggers: Triggers) -> None:
    for _ in range(5):
        triggers.remove()
        begin = threading.Barrier(4)

        def install(begin: threading.Barrier = begin) -> None:
            begin.wait()
            library.ledger.triggers(Book).install()

        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(install) for _ in range(4)]:
                done.result()
        assert states(triggers) == {TriggerState.INSTALLED}


WAITING = {
    "postgresql": "SELECT COUNT(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
    " WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()",
    "mysql": "SELECT COUNT(*) FROM information_schema.processlist WHERE state = 'User lock' AND db = DATABASE()",
}


def test_who_installs_waits_for_another_who_does(engine: Engine, triggers: Triggers) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    look = text(WAITING["postgresql" if engine.dialect.name == "postgresql" else "mysql"])
    triggers.remove()
    with ThreadPoolExecutor(1) as pool, engine.connect() as looking:
        with engine.connect() as connection, in_turn(connection):
            second = pool.submit(triggers.install)
            eventually(lambda: looking.execute(look).scalar() == 1, what="the second waits")
            assert states(triggers) == {TriggerState.MISSING}
        second.result()
    assert states(triggers) == {TriggerState.INSTALLED}


def test_nobody_else_may_put_their_function_on_a_table(engine: Engine, library: Scrypath) -> None:
    with engine.connect() as connection:
        mine = [name for name in functions(connection) if name.startswith("scrypath_book")]
        allowed = [
            connection.execute(text(f"SELECT has_function_privilege('public', '{name}()', 'EXECUTE')")).scalar()
            for name in mine
        ]
    assert not any(allowed)
    assert bool(mine) is (engine.dialect.name == "postgresql")


def test_triggers_that_somebody_switched_off_are_told(engine: Engine, triggers: Triggers) -> None:
    switch = {
        "postgresql": "ALTER TABLE book DISABLE TRIGGER ALL",
        "sqlite": "UPDATE scrypath_ledger SET capture_off = 1",
    }
    if engine.dialect.name in switch:
        with engine.begin() as connection:
            connection.exec_driver_sql(switch[engine.dialect.name])
        assert states(triggers) == {TriggerState.DISABLED}
        triggers.install()
        assert states(triggers) == {TriggerState.INSTALLED}


def test_the_statements_can_be_run_by_hand(engine: Engine, triggers: Triggers) -> None:
    triggers.remove()
    with engine.begin() as connection:
        for statement in triggers.statements():
            connection.exec_driver_sql(statement)
    assert states(triggers) == {TriggerState.INSTALLED}


def test_the_applications_alembic_has_nothing_to_say_of_them(library: Scrypath, engine: Engine) -> None:
    with engine.connect() as connection:
        options = {"include_name": include_name, "target_metadata": Base.metadata}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata) == []


def test_a_database_without_a_ledger_is_refused_by_name(sqlite_url: str) -> None:
    engine = create_engine(sqlite_url)
    search = Scrypath(None, database=engine)
    search.schema(fields=["title"])(Book)
    with pytest.raises(LedgerMissing, match="scrypath-celery ledger upgrade"):
        search.ledger.triggers(Book).install()
    engine.dispose()


def test_triggers_whose_ledger_is_gone_can_be_removed(lend_library: tuple[Scrypath, Engine]) -> None:
    search, engine = lend_library
    search.ledger.triggers(Book).install()
    with engine.begin() as connection:
        metadata.drop_all(connection)
    fresh = Scrypath(None, database=engine)
    fresh.schema(**MODELS[Book])(Book)
    assert {one.table for one in fresh.ledger.triggers(Book).remove()} >= {"book"}
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO book (id, title) VALUES (1, 'a')")


def test_a_table_that_is_not_there_is_named(lend_library: tuple[Scrypath, Engine]) -> None:
    search, engine = lend_library
    Truck.__table__.drop(engine)  # type: ignore[attr-defined]
    with pytest.raises(LedgerError, match="Truck needs triggers on the table truck: make that first"):
        search.ledger.triggers(Truck).install()


def test_a_view_is_refused_by_name(lend_library: tuple[Scrypath, Engine]) -> None:
    search, engine = lend_library
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE VIEW coded AS SELECT * FROM book")
    search.schema(fields=[], index="seen")(Seen)
    with pytest.raises(SchemaError, match="Seen: coded is a view; capture its writes by calls or track"):
        search.ledger.triggers(Seen).install()


def test_a_table_of_another_database_is_refused_by_name(lend_library: tuple[Scrypath, Engine]) -> None:
    search, engine = lend_library
    search.schema(fields=[])(Elsewhere)
    if engine.dialect.name != "postgresql":
        with pytest.raises(SchemaError, match=r"Elsewhere: its table elsewhere\.far is in another database"):
            search.ledger.triggers(Elsewhere).install()


class Reversed(TypeDecorator[str]):
    impl = LargeBinary
    cache_ok = True


class Odd(DeclarativeBase):
    pass


class Coded(Odd):
    __tablename__ = "coded"
    id: Mapped[str] = mapped_column(Reversed, primary_key=True)


class Seen(Odd):
    __table__ = Table("coded", MetaData(), Column("id", Integer, primary_key=True))


class Elsewhere(Odd):
    __tablename__ = "far"
    __table_args__ = {"schema": "elsewhere"}
    id: Mapped[int] = mapped_column(primary_key=True)


class Timed(Odd):
    __tablename__ = "timed"
    id: Mapped[str] = mapped_column(DateTime, primary_key=True)


class Colour(Odd):
    __tablename__ = "colour"
    id: Mapped[str] = mapped_column(Enum(TriggerState), primary_key=True)


@pytest.mark.parametrize("model", [Coded, Timed, Colour])
def test_an_id_whose_text_only_python_knows_is_refused(library: Scrypath, model: type) -> None:
    search = Scrypath(None, database=library.ledger.database)
    search.schema(fields=[])(model)
    with pytest.raises(SchemaError, match=rf"triggers cannot capture {model.__tablename__}\.id: .*calls or track"):  # type: ignore[attr-defined]
        search.ledger.triggers(model).install()


def test_an_unknown_schema_is_refused_by_name(library: Scrypath) -> None:
    with pytest.raises(SchemaError, match="did you mean 'Truck'"):
        library.ledger.triggers("Trukc")
    assert states(library.ledger.triggers(Truck)) == {TriggerState.INSTALLED}
