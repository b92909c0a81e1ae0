"""What changes the documents of a class without an event that tracking could see: said once, by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapper, RelationshipProperty

from ..declaration import mapping
from ..declaration.schema import Schema

_CHANGES = {"CASCADE", "SET NULL", "SET DEFAULT"}


def by_the_database(schema: Schema, owners: Collection[Mapper[Any]] = ()) -> list[str]:
    """A warning for each foreign key through which the database itself deletes or changes rows of a class.

    None of those that refer to `owners`, whose declared fan-outs lead to the class.
    """
    name, found = schema.name, []
    covered = {getattr(table, "fullname", "") for owner in owners for table in owner.tables}
    for key in _foreign_keys(schema.mapper):
        target = key.target_fullname.rpartition(".")[0]
        if target in covered:
            continue
        on_delete, on_update = (key.ondelete or "").upper(), (key.onupdate or "").upper()
        if on_delete == "CASCADE":
            found.append(
                f"{name} is reached by ON DELETE CASCADE of {target}: no event shows what the database deletes;"
                f" call delete_documents({schema.model.__name__}, ids) beside such a deletion"
            )
        elif on_delete in _CHANGES:
            found.append(
                f"{name} is reached by ON DELETE {on_delete} of {target}: no event shows what the database changes;"
                f" call sync_records beside such a deletion for what it reaches"
            )
        if on_update in _CHANGES:
            found.append(
                f"{name} is reached by ON UPDATE {on_update} of {target}: no event shows what the database changes;"
                f" call sync_records beside such a change for what it reaches"
            )
    return sorted(dict.fromkeys(found))


def by_related_rows(schema: Schema, owners: Collection[Mapper[Any]] = ()) -> list[str]:
    """A warning for the classes whose rows the documents of a class may show, but for `owners` of fan-outs to it.

    None where documents are made of the class's own columns. Ask only once the mappers are configured.
    """
    if not _may_show_others(schema):
        return []
    relationships: list[RelationshipProperty[Any]] = list(schema.mapper.relationships)
    others = {one.mapper for one in relationships} - {schema.mapper, *owners}
    if not others:
        return []
    shown = ", ".join(sorted(other.class_.__name__ for other in others))
    said = f"documents of {schema.name} may show {shown}: to change or delete one of those changes no {schema.name}"
    return [f"{said}; declare a fan-out on it, or call sync_records beside it for the records that show it"]


def _foreign_keys(mapper: Mapper[Any]) -> Iterator[ForeignKey]:
    """The foreign keys of a class's tables, but for those that join the tables of an inheritance."""
    own = {getattr(table, "fullname", "") for table in mapper.tables}
    for table in mapper.tables:
        for key in getattr(table, "foreign_keys", ()):
            target = key.target_fullname.rpartition(".")[0]
            if not (target in own and key.parent.primary_key):
                yield key


def _may_show_others(schema: Schema) -> bool:
    """Whether a document may hold what is in rows of other tables."""
    if schema.projection is not None or callable(schema.index_if):
        return True
    names = (*schema.names, *((schema.index_if,) if isinstance(schema.index_if, str) else ()))
    return any(not mapping.is_column(schema.mapper, name) for name in names)
