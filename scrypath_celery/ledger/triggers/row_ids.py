"""Document ids that a row holds itself: its own, or the one of a record that it refers to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Dialect, Table
from sqlalchemy.orm import ColumnProperty, Mapper

from ...declaration import mapping
from ...declaration.schema import Schema
from ...errors import SchemaError
from .id_sql import id_sql
from .names import literal_sql, quoting, table_sql

Pairs = tuple[tuple[Column[object], Column[object]], ...]
"""Columns of a record's table, each beside the column of another table that has its value."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RowIds:
    """How the id of one record is read from a row of `table`.

    `id_column` holds it, in this table or in another one, whose row is found by `pairs`. `kinds` are the values of
    `discriminator` that make a row one of the schema's records; None where every row may be one. `shown` are the
    columns whose change changes a document; None where any may.
    """

    table: Table
    id_column: Column[object]
    pairs: Pairs = ()
    discriminator: Column[object] | None = None
    kinds: tuple[object, ...] = ()
    shown: tuple[Column[object], ...] | None = None

    @property
    def columns(self) -> set[Column[object]]:
        """The columns of the table that the id is read from."""
        found = {here for _, here in self.pairs} or {self.id_column}
        return found if self.discriminator is None else {*found, self.discriminator}

    def id_of(self, row: str, dialect: Dialect) -> str:
        """The SQL text of the id of a row that is known as `row` (NEW, OLD, or an alias)."""
        name = quoting(dialect).quote
        here = dict(self.pairs).get(self.id_column, None if self.pairs else self.id_column)
        if here is not None:
            return id_sql(self.id_column, dialect, f"{row}.{name(here.name)}")
        same = " AND ".join(f"own.{name(there.name)} = {row}.{name(here.name)}" for there, here in self.pairs)
        text = id_sql(self.id_column, dialect, f"own.{name(self.id_column.name)}")
        return f"(SELECT {text} FROM {table_sql(self.id_column.table, dialect)} AS own WHERE {same})"

    def condition(self, row: str, dialect: Dialect) -> str:
        """The SQL condition that a row is, or refers to, a record of the schema."""
        name = quoting(dialect).quote
        parts = [f"{row}.{name(here.name)} IS NOT NULL" for _, here in self.pairs if here.nullable]
        if self.discriminator is not None:
            listed = ", ".join(literal_sql(kind, dialect) for kind in self.kinds)
            parts.append(f"{row}.{name(self.discriminator.name)} IN ({listed})")
        return " AND ".join(parts) or "1 = 1"

    def shown_of(self, row: str, dialect: Dialect) -> list[str]:
        """The SQL of all that a change of this row may show of it."""
        quote = quoting(dialect).quote
        return [f"{row}.{quote(column.name)}" for column in self.shown or ()]


def row_ids(schema: Schema, shown: Iterable[str] | None) -> Iterator[RowIds]:
    """How the ids of a schema's records are read from the tables that hold them, those of subclasses among them.

    `shown` are the attributes whose change matters; None where any does.

    Raises:
        SchemaError: the id is no column, or no single one.
    """
    seen: set[Table] = set()
    read = {schema.mapper, *schema.mapper.with_polymorphic_mappers}
    for mapper in schema.mapper.self_and_descendants:
        if mapper.concrete and mapper not in read:
            continue  # its records are not among those of the class
        for table in mapper.tables:
            if isinstance(table, Table) and table not in seen:
                seen.add(table)
                yield _row_ids(schema, mapper, table, shown)


def referring(schema: Schema, table: Table, pairs: Pairs, shown: tuple[Column[object], ...] | None) -> RowIds:
    """How the id of the schema's record is read that a row of another table refers to by `pairs`."""
    there = [record for record, _ in pairs]
    columns = id_columns(schema, schema.mapper)
    id_column = next((one for one in columns if one in there), None)
    if id_column is None:
        id_column = next((one for one in columns if all(one.table is other.table for other in there)), columns[0])
    if any(id_column.table is not other.table for other in there):
        raise SchemaError(
            f"triggers cannot capture {table.name}: its rows refer to {schema.name} by columns of another table than"
            f" that of {schema.key!r}; capture these writes by calls or track"
        )
    return RowIds(table=table, id_column=id_column, pairs=pairs, shown=shown)


def _row_ids(schema: Schema, mapper: Mapper[object], table: Table, names: Iterable[str] | None) -> RowIds:
    columns = id_columns(schema, mapper)
    id_column = next((column for column in columns if column.table is table), columns[0])
    pairs: Pairs = ()
    if id_column.table is not table:
        owner = id_column.table
        assert isinstance(owner, Table)
        pairs = tuple(zip(owner.primary_key.columns, table.primary_key.columns, strict=True))
    shown = None if names is None else shown_columns(mapper, table, names)
    discriminator, kinds = mapper.polymorphic_on, _kinds(schema)
    if not kinds or not isinstance(discriminator, Column) or discriminator.table is not table:
        return RowIds(table=table, id_column=id_column, pairs=pairs, shown=shown)
    return RowIds(table=table, id_column=id_column, pairs=pairs, discriminator=discriminator, kinds=kinds, shown=shown)


def _kinds(schema: Schema) -> tuple[object, ...]:
    """The values of the discriminator that make a row one of the schema's records; none where any row is one."""
    if schema.mapper.inherits is None:
        return ()
    kinds = tuple(one.polymorphic_identity for one in schema.mapper.self_and_descendants)
    return kinds if all(isinstance(kind, str | int) for kind in kinds) else ()


def shown_columns(mapper: Mapper[object], table: Table, names: Iterable[str]) -> tuple[Column[object], ...]:
    """The columns of a table that attributes are made of, and the one that tells the class, whose code may matter."""
    found = [column for name in sorted(names) for column in mapper.get_property(name).columns]
    if isinstance(mapper.polymorphic_on, Column):
        found.append(mapper.polymorphic_on)
    return tuple(dict.fromkeys(column for column in found if column.table is table))


def id_columns(schema: Schema, mapper: Mapper[object]) -> list[Column[object]]:
    """The columns that hold the ids of a schema's records.

    Raises:
        SchemaError: there are none.
    """
    found = mapper.get_property(schema.key) if mapping.is_column(mapper, schema.key) else None
    columns = [one for one in found.columns if isinstance(one, Column)] if isinstance(found, ColumnProperty) else []
    if not columns:
        raise SchemaError(
            f"triggers cannot capture {schema.name}: its document id {schema.key!r} is no column of a table;"
            " capture its writes by calls or track"
        )
    return columns
