"""The ledger's migrations, alone and beside an application's own Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, Table, create_engine, inspect, text

from scrypath_celery.errors import LedgerMissing, LedgerOutdated, LedgerUnavailable
from scrypath_celery.ledger import Ledger, migrate, tables, works
from scrypath_celery.ledger.autogenerate import VERSION_TABLE, include_name, ledger_metadata
from scrypath_celery.ledger.database import check_tables
from scrypath_celery.work import Mode, Operation
from tests.integration.ledger.project import Project, metadata

OURS = {table.name for table in tables.TABLES}


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True, "target_metadata": ledger_metadata}
        options["include_name"] = lambda name, type_, parents: type_ != "table" or name in OURS
        found: list[object] = compare_metadata(MigrationContext.configure(connection, opts=options), ledger_metadata)
    return found


def indexes(engine: Engine, table: str) -> list[dict[str, str]]:
    rows: list[dict[str, Any]] = [dict(found) for found in inspect(engine).get_indexes(table)]
    options = [{key: str(value) for key, value in row.pop("dialect_options", {}).items()} for row in rows]
    return [
        {key: str(value) for key, value in {**row, **told}.items()} for row, told in zip(rows, options, strict=True)
    ]


def usable(engine: Engine) -> bool:
    """Whether the ledger holds what is written into it."""
    ledger = Ledger(lambda: engine)
    (id,) = ledger.run(lambda tx: works.write(tx, "post", Operation.UPSERT, ["1", "2"], Mode.CELERY))
    return ledger.run(lambda tx: works.get(tx, id)).ids == ("1", "2")


def test_an_upgrade_makes_exactly_the_tables_of_the_code(engine: Engine) -> None:
    assert migrate.current(engine) is None
    assert migrate.upgrade(engine) == migrate.head() == migrate.current(engine)
    assert set(inspect(engine).get_table_names()) == OURS | {VERSION_TABLE}
    assert differences(engine) == []
    assert usable(engine)


def test_the_indexes_of_an_upgrade_are_those_of_the_code(engine: Engine) -> None:
    migrate.upgrade(engine)
    upgraded = {table: indexes(engine, table) for table in OURS}
    with engine.begin() as connection:
        tables.metadata.drop_all(connection)
        tables.metadata.create_all(connection)
    assert {table: indexes(engine, table) for table in OURS} == upgraded


def test_an_upgrade_gives_the_ledger_its_id(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.connect() as connection:
        ids = connection.execute(tables.ledger.select()).all()
    assert [row.id for row in ids] == [Ledger(lambda: engine).identity()]


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    migrate.upgrade(engine)
    before = Ledger(lambda: engine).identity()
    assert migrate.upgrade(engine) == migrate.head()
    assert Ledger(lambda: engine).identity() == before
    assert differences(engine) == []


@pytest.mark.parametrize("dropped", [(tables.work,), tables.TABLES])
def test_an_upgrade_makes_tables_again_that_somebody_dropped(engine: Engine, dropped: tuple[Table, ...]) -> None:
    migrate.upgrade(engine)
    tables.metadata.drop_all(engine, tables=list(dropped))
    migrate.upgrade(engine)
    with engine.connect() as connection:
        check_tables(connection)


def test_an_upgrade_on_a_connection_joins_its_transaction(engine: Engine) -> None:
    with engine.connect() as connection:
        migrate.upgrade(connection)
        connection.commit()
    assert usable(engine)


def test_an_upgrade_leaves_the_applications_own_versions_alone(engine: Engine, tmp_path: Path) -> None:
    project = Project(tmp_path, engine, hook=True)
    project.upgrade()
    migrate.upgrade(engine)
    assert project.revision() == project.head() != migrate.head()
    assert migrate.current(engine) == migrate.head()


def test_with_the_hook_autogenerate_proposes_nothing_after_an_upgrade(engine: Engine, tmp_path: Path) -> None:
    metadata.create_all(engine)
    migrate.upgrade(engine)
    assert Project(tmp_path, engine, hook=True).proposes() == []


def test_without_the_hook_autogenerate_would_drop_the_ledger(engine: Engine, tmp_path: Path) -> None:
    metadata.create_all(engine)
    migrate.upgrade(engine)
    proposed = Project(tmp_path, engine).proposes()
    dropped = {change[1].name for change in proposed if isinstance(change, tuple) and change[0] == "remove_table"}
    assert dropped == OURS | {VERSION_TABLE}


def test_the_hook_hides_nothing_but_the_ledgers_tables() -> None:
    assert include_name("post", "table", {"schema_name": None})
    assert include_name("scrypath_work", "schema", {})
    assert include_name(None, "schema", {})
    assert not include_name("scrypath_work", "table", {"schema_name": None})


def test_the_applications_own_migrations_can_make_the_ledger(engine: Engine, tmp_path: Path) -> None:
    project = Project(tmp_path, engine, extra=ledger_metadata)
    project.upgrade()
    assert project.proposes() == []
    assert differences(engine) == []
    assert usable(engine)


@pytest.mark.parametrize("made", [ledger_metadata, tables.metadata], ids=["published", "own"])
def test_after_create_all_autogenerate_proposes_nothing(engine: Engine, tmp_path: Path, made: MetaData) -> None:
    metadata.create_all(engine)
    made.create_all(engine)
    assert Project(tmp_path, engine, extra=ledger_metadata).proposes() == []
    assert usable(engine)


def test_tables_that_something_else_made_are_adopted(ledger: Ledger, engine: Engine) -> None:
    before = ledger.identity()
    migrate.upgrade(engine)
    assert migrate.current(engine) == migrate.head()
    assert Ledger(lambda: engine).identity() == before


def test_tables_that_something_else_made_otherwise_are_refused(ledger: Ledger, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE scrypath_work DROP COLUMN worker"))
    with pytest.raises(LedgerOutdated, match=r"scrypath_work is older .* with what made it, or drop") as it:
        migrate.upgrade(engine)
    assert "run `scrypath-celery ledger upgrade`" not in str(it.value)  # that is what was run
    assert migrate.current(engine) is None


def test_a_revision_of_a_newer_release_is_refused(engine: Engine) -> None:
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(LedgerOutdated, match="newer than this code"):
        migrate.upgrade(engine)


def test_missing_tables_are_named_with_the_remedy(engine: Engine) -> None:
    with pytest.raises(LedgerMissing, match="ledger upgrade"):
        Ledger(lambda: engine).identity()


@pytest.mark.parametrize(
    ("change", "text_of_error"),
    [
        ("DROP TABLE scrypath_claim", "scrypath_claim is older"),
        ("ALTER TABLE scrypath_index DROP COLUMN high_uid", "scrypath_index is older"),
    ],
)
def test_tables_of_another_release_are_named(ledger: Ledger, engine: Engine, change: str, text_of_error: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(change))
    with pytest.raises(LedgerOutdated, match=text_of_error):
        Ledger(lambda: engine).identity()


def test_a_database_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/no/such/folder.db")
    with pytest.raises(LedgerUnavailable):
        migrate.upgrade(engine)
    with pytest.raises(LedgerUnavailable):
        migrate.current(engine)
