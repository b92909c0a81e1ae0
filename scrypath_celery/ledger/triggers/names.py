"""Names and plain values, as statements write them that have no parameters."""

from __future__ import annotations

from copy import copy

from sqlalchemy import Dialect, Table
from sqlalchemy.sql.compiler import IdentifierPreparer


def table_sql(table: Table, dialect: Dialect) -> str:
    """The quoted name of a table, with its schema where it has one."""
    return quoting(dialect).format_table(table)


def quoting(dialect: Dialect) -> IdentifierPreparer:
    """What quotes names for statements that have no parameters: a percent sign is one, where drivers want two."""
    found = dialect.preparer(dialect)
    found._double_percents = False
    return found


def without_parameters(dialect: Dialect) -> Dialect:
    """The same dialect, for statements that have no parameters."""
    found = copy(dialect)
    found.identifier_preparer = quoting(dialect)
    return found


def literal_sql(value: object, dialect: Dialect) -> str:
    """A text or number as SQL writes it down."""
    if isinstance(value, int):
        return str(int(value))
    text = str(value)
    if "\\" in text and dialect.name in ("mysql", "mariadb"):  # what it means there depends on the session's mode
        return f"_utf8mb4 X'{text.encode().hex()}'"
    return "'" + text.replace("'", "''") + "'"
