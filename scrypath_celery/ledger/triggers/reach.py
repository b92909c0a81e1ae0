"""How changes of rows reach rows of other tables through actions of the database's foreign keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ForeignKeyConstraint, Table


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
