"""What an application's own Alembic has to know of the ledger, so that its autogenerate proposes nothing about it.

Either the ledger is made by `scrypath-celery ledger upgrade`: then `include_name` keeps its tables out of sight. Or the
application's migrations make it: then `ledger_metadata` stands in `target_metadata` beside the application's own.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import MetaData, Text
from sqlalchemy.dialects.mysql import MEDIUMTEXT

from . import tables

VERSION_TABLE = "scrypath_alembic_version"
"""Where the ledger's own migrations note how far they are; an application's `alembic_version` is never requeued."""

_OURS = frozenset({VERSION_TABLE, *(table.name for table in tables.TABLES)})


def include_name(name: str | None, type_: str, parent_names: Mapping[str, str | None]) -> bool:
    """Leave the ledger's tables out of what an application's Alembic compares.

    Pass it to `context.configure(include_name=include_name)` in `env.py`, or call it from a hook of your own; the
    parameters are those of Alembic's hook.
    """
    return type_ != "table" or name not in _OURS


def _plain() -> MetaData:
    # Autogenerate writes a type of ours into a script that does not import it.
    text = Text().with_variant(MEDIUMTEXT(), "mysql", "mariadb")
    found = MetaData()
    for table in tables.TABLES:
        for column in table.to_metadata(found).columns:
            if isinstance(column.type, tables.Json):
                column.type = text
    for dialect in ("postgresql", "mysql", "mariadb", "sqlite"):
        tables.give_options(found, dialect)
    return found


ledger_metadata = _plain()
"""The ledger's tables in SQLAlchemy's own types: `target_metadata = [Base.metadata, ledger_metadata]` in `env.py`."""
