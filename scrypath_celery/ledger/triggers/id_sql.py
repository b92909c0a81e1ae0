"""The SQL that gives the text of a document id: the same text as Python gives it (`declaration.document_ids`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CHAR, Column, Date, DateTime, Dialect, Enum, Integer, Numeric, String, Uuid
from sqlalchemy.types import TypeDecorator

from ...errors import SchemaError

_CAST = {"postgresql": "CAST({} AS text)", "sqlite": "CAST({} AS TEXT)"}
_MARIADB_CAST = "CAST({} AS CHAR CHARACTER SET utf8mb4)"
"""Without a character set it would be that of the connection which installed the trigger."""
_WHOLE = {"postgresql": "trunc({})", "sqlite": "CAST({} AS INTEGER)"}
_DATE = {"postgresql": "to_char({}, 'YYYY-MM-DD')", "sqlite": "{}"}


def id_sql(column: Column[object], dialect: Dialect, value: str) -> str:
    """The text of the id in `value`, an SQL expression that gives this column's value.

    Raises:
        SchemaError: Python makes the id of such a value in a way that SQL cannot know.
    """
    kind = column.type.dialect_impl(dialect)  # another one where it has a variant for this database
    cast = _CAST.get(dialect.name, _MARIADB_CAST)
    if isinstance(kind, Integer):
        # The text of a column with ZEROFILL has digits that the number has not.
        return cast.format(value if dialect.name in _CAST else f"({value} + 0)")
    if isinstance(kind, Uuid):
        return _uuid(kind, dialect, value, cast)
    if isinstance(kind, Enum) and kind.enum_class is None:
        return cast.format(value)
    if isinstance(kind, CHAR):
        return f"rtrim({cast.format(value)})"
    if isinstance(kind, String) and not isinstance(kind, Enum):
        return cast.format(value)
    if isinstance(kind, Numeric) and kind.asdecimal:
        whole = _WHOLE.get(dialect.name, "TRUNCATE({}, 0)").format(value)
        return f"(CASE WHEN {value} = {whole} THEN {cast.format(whole)} ELSE {cast.format(value)} END)"
    if isinstance(kind, Date) and not isinstance(kind, DateTime):
        return _DATE.get(dialect.name, "DATE_FORMAT({}, '%Y-%m-%d')").format(value)
    name = type(kind).__name__
    why = "Python alone knows its text" if isinstance(kind, TypeDecorator | Enum) else "no trigger can give its text"
    raise SchemaError(
        f"triggers cannot capture {column.table.name}.{column.name}: the id is of type {name}, and {why};"
        " capture these writes by calls or track"
    )


def _uuid(kind: Uuid[Any], dialect: Dialect, value: str, cast: str) -> str:
    if dialect.supports_native_uuid and kind.compile(dialect=dialect) == "UUID":
        return cast.format(value)
    starts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))  # kept as 32 digits, where the id has hyphens
    parts = [f"substr({value}, {start}, {length})" for start, length in starts]
    if dialect.name in ("mysql", "mariadb"):
        return f"lower(concat_ws('-', {', '.join(parts)}))"
    joined = " || '-' || ".join(parts)
    return f"lower({joined})"
