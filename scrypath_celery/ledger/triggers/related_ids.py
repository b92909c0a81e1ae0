"""Document ids that the relationship of a fan-out leads to from a row of its owner's table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import Column, Dialect, Table
from sqlalchemy.orm import aliased

from ...declaration.fan_out import Route
from .id_sql import id_sql
from .names import quoting, table_sql, without_parameters
from .row_ids import id_columns


@dataclass(frozen=True, kw_only=True, eq=False)
class RelatedIds:
    """How the ids are read that a fan-out's relationship leads to from rows of `table`."""

    route: Route
    table: Table

    @cached_property
    def columns(self) -> set[Column[object]]:
        """The columns of the table that lead there."""
        mapper, relation = self.route.owner.mapper, self.route.relation
        found = {one for one in relation.local_columns if isinstance(one, Column)}
        kind = mapper.polymorphic_on
        if mapper.single and isinstance(kind, Column) and kind.table is self.table:
            found.add(kind)
        return found

    @property
    def are_readable(self) -> bool:
        """Whether a row of the table alone leads there."""
        return all(one.table is self.table for one in self.columns)

    def listed(self, row: str, dialect: Dialect) -> list[str]:
        """The columns that lead there, of a row that is known as `row`."""
        quote = quoting(dialect).quote
        return sorted(f"{row}.{quote(one.name)}" for one in self.columns)

    def of_row(self, row: str, origin: str, dialect: Dialect) -> str:
        """The rows to read from (see `read`) that are one row, known as `row`; `origin` is the rest of its SELECT."""
        quote = quoting(dialect).quote
        chosen = sorted(f"{row}.{quote(one.name)} AS {quote(one.name)}" for one in self.columns)
        return f"(SELECT {', '.join(chosen)}{origin}) AS r"

    def read(self, rows: str, dialect: Dialect) -> str:
        """The SQL that gives the ids (as `id`) that are related to rows, which are `<a table or query> AS r`."""
        owner = aliased(self.route.owner.model, self.table.alias("r"))
        query = self.route.leading_to(owner).compile(
            dialect=without_parameters(dialect), compile_kwargs={"literal_binds": True}
        )
        related = str(query).replace(f"{table_sql(self.table, dialect)} AS r", rows)
        key = id_columns(self.route.target, self.route.target.mapper)[0]
        found = f"found.{quoting(dialect).quote(key.name)}"
        return f"SELECT DISTINCT {id_sql(key, dialect, found)} AS id FROM ({related}) AS found"
