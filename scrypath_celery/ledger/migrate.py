"""Making and upgrading the ledger's tables by the migrations that ship in the package."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from ..errors import LedgerOutdated
from . import tables
from .autogenerate import VERSION_TABLE
from .database import check_tables, identify
from .refusals import translated
from .sqlite import begin_immediate

_SCRIPTS = Path(__file__).parent / "migrations"
_NOT_OURS = (
    "`ledger upgrade` did not make it, so bring it up to date with what made it, or drop the tables of the ledger"
    " (scrypath_*), upgrade again and backfill"
)


def upgrade(bind: Engine | Connection) -> str:
    """Make the ledger's tables, or bring them to what this code expects, and give the ledger its id; the revision.

    Doing it again changes nothing. Tables that something else made (`create_all`, the application's own migrations)
    are adopted where they are those of this code. On a connection it joins the caller's transaction.

    Raises:
        LedgerOutdated: the tables are newer than this code, or something else made them and they are not those of
            this code. LedgerUnavailable: the database did not answer.
    """
    with translated(), bind.begin() if isinstance(bind, Engine) else nullcontext(bind) as connection:
        if isinstance(bind, Engine) and connection.dialect.name == "sqlite":
            begin_immediate(connection)
        config = _config(connection)
        found = current(connection)
        if found is None and _there(connection):
            check_tables(connection, remedy=_NOT_OURS)
            command.stamp(config, "head")
        elif found != head():
            _known(found)
            command.upgrade(config, "head")
        else:
            tables.metadata.create_all(connection)  # those that somebody dropped since
        identify(connection)
    return head()


def current(bind: Engine | Connection) -> str | None:
    """The revision of the ledger's tables; None where its migrations never ran.

    Raises:
        LedgerUnavailable: the database did not answer.
    """
    with translated(), bind.connect() if isinstance(bind, Engine) else nullcontext(bind) as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return None
        return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def head() -> str:
    """The revision that this code expects."""
    found = ScriptDirectory(str(_SCRIPTS)).get_current_head()
    assert found is not None
    return found


def _known(revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory(str(_SCRIPTS)).walk_revisions()}
    if revision is not None and revision not in known:
        newer = f"the ledger's tables are newer than this code (revision {revision})"
        raise LedgerOutdated(f"{newer}: upgrade scrypath-celery in this process")


def _there(connection: Connection) -> bool:
    inspector = inspect(connection)
    return any(inspector.has_table(table.name) for table in tables.TABLES)


def _config(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    # A percent sign in the path would be taken for an interpolation.
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return config
