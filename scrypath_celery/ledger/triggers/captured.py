"""Which rows of which tables make the documents of a schema, and how their ids are read from such a row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Dialect, ForeignKeyConstraint, Table
from sqlalchemy.orm import ColumnProperty, Mapper
from sqlalchemy.sql.compiler import IdentifierPreparer

from ...declaration import mapping
from ...declaration.schema import Schema
from ...errors import SchemaError
from .id_sql import id_sql


@dataclass(frozen=True, kw_only=True, eq=False)
class Captured:
    """A table whose rows belong to a schema's records.

    `id_column` holds the document id, in this table or in `id_column.table`, which shares its primary key. `kinds`
    are the values of `discriminator` that make a row one of this schema's records; None where every row may be one.
    `shown` are the columns whose change changes a document; None where any may.
    """

    table: Table
    id_column: Column[object]
    discriminator: Column[object] | None = None
    kinds: tuple[object, ...] = ()
    shown: tuple[Column[object], ...] | None = None

    def id_of(self, row: str, dialect: Dialect) -> str:
        """The SQL text of the document id of a row that is known as `row` (NEW, OLD, or an alias)."""
        name = quoting(dialect).quote
        if self.id_column.table is self.table:
            return id_sql(self.id_column, dialect, f"{row}.{name(self.id_column.name)}")
        owner = self.id_column.table
        pairs = zip(owner.primary_key.columns, self.table.primary_key.columns, strict=True)
        same = " AND ".join(f"own.{name(one.name)} = {row}.{name(other.name)}" for one, other in pairs)
        text = id_sql(self.id_column, dialect, f"own.{name(self.id_column.name)}")
        return f"(SELECT {text} FROM {table_sql(owner, dialect)} AS own WHERE {same})"

    def condition(self, row: str, dialect: Dialect) -> str:
        """The SQL condition that a row is of one of this schema's records."""
        if self.discriminator is None:
            return "1 = 1"
        listed = ", ".join(literal_sql(kind) for kind in self.kinds)
        return f"{row}.{quoting(dialect).quote(self.discriminator.name)} IN ({listed})"

    def shown_of(self, row: str, dialect: Dialect) -> list[str]:
        """The SQL of all that a change of this row may show of it."""
        quote = quoting(dialect).quote
        return [f"{row}.{quote(column.name)}" for column in self.shown or ()]


def captured(schema: Schema) -> list[Captured]:
    """The tables of a schema's records, those of subclasses among them.

    Raises:
        SchemaError: the document id is no column, or no single one.
    """
    found: dict[Table, Captured] = {}
    for mapper in schema.mapper.self_and_descendants:
        if mapper.concrete and mapper is not schema.mapper:
            continue
        for table in mapper.tables:
            if isinstance(table, Table) and table not in found:
                found[table] = _captured(schema, mapper, table)
    return list(found.values())


def _captured(schema: Schema, mapper: Mapper[object], table: Table) -> Captured:
    columns = _id_columns(schema, mapper)
    id_column = next((column for column in columns if column.table is table), columns[0])
    shown = _shown(schema, mapper, table)
    discriminator = mapper.polymorphic_on
    if schema.mapper.inherits is None or not isinstance(discriminator, Column) or discriminator.table is not table:
        return Captured(table=table, id_column=id_column, shown=shown)
    kinds = tuple(one.polymorphic_identity for one in schema.mapper.self_and_descendants)
    if not all(isinstance(kind, str | int) for kind in kinds):
        return Captured(table=table, id_column=id_column, shown=shown)
    return Captured(table=table, id_column=id_column, discriminator=discriminator, kinds=kinds, shown=shown)


def _shown(schema: Schema, mapper: Mapper[object], table: Table) -> tuple[Column[object], ...] | None:
    if schema.dependencies is None:
        return None
    found = [column for name in sorted(schema.dependencies) for column in mapper.get_property(name).columns]
    if isinstance(mapper.polymorphic_on, Column):  # the class, whose code may make the document
        found.append(mapper.polymorphic_on)
    return tuple(dict.fromkeys(column for column in found if column.table is table))


def _id_columns(schema: Schema, mapper: Mapper[object]) -> list[Column[object]]:
    found = mapper.get_property(schema.key) if mapping.is_column(mapper, schema.key) else None
    columns = [one for one in found.columns if isinstance(one, Column)] if isinstance(found, ColumnProperty) else []
    if not columns:
        raise SchemaError(
            f"triggers cannot capture {schema.name}: its document id {schema.key!r} is no column of a table;"
            " capture its writes by calls or track"
        )
    return columns


@dataclass(frozen=True, kw_only=True, eq=False)
class Reach:
    """How a change of a row of `parent` reaches rows of a captured table through actions of foreign keys.

    `path` leads from the captured table to the parent, one foreign key after the other; it is empty where rows of the
    captured table reach others of it.
    """

    parent: Table
    path: tuple[ForeignKeyConstraint, ...]

    @property
    def steps(self) -> list[tuple[Table, ForeignKeyConstraint | None]]:
        """The tables from the parent to the captured one, each with the foreign key by which it is reached."""
        return [(self.parent, None), *((one.table, one) for one in reversed(self.path))]

    @property
    def on_update(self) -> bool:
        """Whether a change of the parent's key reaches them too, beside its deletion."""
        return bool(self.path) and all(_acts(one.onupdate) for one in self.path)

    @property
    def on_delete(self) -> bool:
        """Whether a deletion of the parent's row reaches them: each step but the last has to delete a row."""
        if not self.path:
            return True
        *upper, first = reversed(self.path)
        return _acts(first.ondelete) and all((one.ondelete or "").upper() == "CASCADE" for one in upper)


def reaches(table: Table) -> Iterator[Reach]:
    """The tables whose rows reach those of `table` by actions of the database's foreign keys, however far off."""
    if loops(table, "CASCADE", "SET NULL", "SET DEFAULT"):
        yield Reach(parent=table, path=())
    yield from _reaches(table, ())


def loops(table: Table, *actions: str) -> list[ForeignKeyConstraint]:
    """The foreign keys of a table to itself that do one of these on a deletion."""
    found = [one for one in table.foreign_key_constraints if (one.ondelete or "").upper() in actions]
    return sorted((one for one in found if one.referred_table is table), key=lambda one: list(one.column_keys))


def _reaches(table: Table, path: tuple[ForeignKeyConstraint, ...]) -> Iterator[Reach]:
    for constraint in table.foreign_key_constraints:
        parent = constraint.referred_table
        if parent is table or any(one.table is parent for one in path):
            continue  # its own table is looked through at each step
        found = Reach(parent=parent, path=(*path, constraint))
        if found.on_delete or found.on_update:
            yield found
            yield from _reaches(parent, found.path)


def _acts(action: str | None) -> bool:
    return (action or "").upper() in ("CASCADE", "SET NULL", "SET DEFAULT")


def table_sql(table: Table, dialect: Dialect) -> str:
    """The quoted name of a table, with its schema where it has one."""
    return quoting(dialect).format_table(table)


def quoting(dialect: Dialect) -> IdentifierPreparer:
    """What quotes names for statements that have no parameters: a percent sign is one, where drivers want two."""
    found = dialect.preparer(dialect)
    found._double_percents = False
    return found


def literal_sql(value: object) -> str:
    """A text or number as SQL writes it down."""
    if isinstance(value, int):
        return str(int(value))
    return "'" + str(value).replace("'", "''") + "'"
