"""What remembers that a schema has triggers where a table that is dropped takes all of them along."""

from __future__ import annotations

from sqlalchemy import Dialect

from ...declaration.schema import Schema
from .. import tables
from .names import literal_sql, table_sql
from .trigger import TableTriggers, base_name, mark_of, signature

HOLDER = tables.ledger
"""The table that bears it."""


def remembered(schema: Schema, dialect: Dialect) -> TableTriggers:
    """A trigger on a table of the ledger which does nothing: PostgreSQL's functions outlive tables by themselves."""
    table = table_sql(HOLDER, dialect)
    base = base_name(schema.uid, table, purpose="remembered")
    mark = mark_of(base)
    sign = literal_sql(signature(schema.uid, mark), dialect)
    body = f"SELECT {sign}" if dialect.name == "sqlite" else f"SET @scrypath_remembered = {sign}"
    create = f"CREATE TRIGGER {base} AFTER DELETE ON {table} FOR EACH ROW BEGIN {body}; END"
    statements = (f"DROP TRIGGER IF EXISTS {base}", create)
    return TableTriggers(table=table, on=HOLDER, names=(base,), mark=mark, statements=statements)
