"""The parts of an ORM-enabled INSERT, UPDATE or DELETE that say which rows it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapper, ORMExecuteState
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import UpdateBase

from ..declaration.schema import Schema

KNOWN = 1000
"""How many statements are remembered to hold no other that changes records."""


def statement_of(state: ORMExecuteState) -> Any:
    """The statement that is executed, out of a `from_statement` where it stands in one."""
    return state.statement.element if state.is_from_statement else state.statement  # type: ignore[attr-defined]


def mapper_of(statement: Any) -> Mapper[Any] | None:
    """The mapper of the class that a statement names; None for one of a plain table."""
    entity = statement.entity_description.get("entity")
    found: Mapper[Any] | None = getattr(entity, "__mapper__", None)
    return found


def table_of(statement: Any) -> Any:
    """The table that a statement changes."""
    return statement.entity_description["table"]


def affected(schemas: Iterable[Schema], statement: Any) -> list[Schema]:
    """The schemas whose records a statement may change.

    One that changes the column which tells classes apart may bring its rows into any class of the hierarchy.
    """
    mapper = mapper_of(statement)
    if mapper is None:
        return [one for one in schemas if table_of(statement) in one.mapper.tables]
    if statement.is_insert:
        return [one for one in schemas if mapper.isa(one.mapper)]
    if changes_class(statement):
        return [one for one in schemas if one.mapper.base_mapper is mapper.base_mapper]
    return [one for one in schemas if mapper.isa(one.mapper) or one.mapper.isa(mapper)]


def changes_class(statement: Any) -> bool:
    """Whether an UPDATE sets the column that tells the classes of a hierarchy apart."""
    mapper = mapper_of(statement)
    if mapper is None or mapper.polymorphic_on is None or not statement.is_update:
        return False
    return sets(statement, (), _discriminator(mapper))


def hidden(statement: Any) -> Iterator[Any]:
    """The statements within another one that change records: those of its common table expressions."""
    for part in visitors.iterate(statement):
        if isinstance(part, UpdateBase) and part is not statement:
            yield part


class Plain:
    """The statements without another one within them that changes records, as SQLAlchemy's own cache tells them apart.

    Looking through a statement costs far more than finding it again.
    """

    def __init__(self) -> None:
        self._known: set[Any] = set()

    def __contains__(self, statement: Any) -> bool:
        # Private, as is all of the cache: what it tells apart is what SQLAlchemy compiles anew.
        key = statement._generate_cache_key() if hasattr(statement, "_generate_cache_key") else None
        if key is not None and key.key in self._known:
            return True
        found = not any(True for _ in hidden(statement))
        if found and key is not None:
            if len(self._known) >= KNOWN:
                self._known.clear()
            self._known.add(key.key)
        return found


def rows(state: ORMExecuteState) -> Sequence[Mapping[str, Any]]:
    """The parameters of a statement, a mapping each."""
    parameters = state.parameters
    if not parameters:
        return []
    return parameters if isinstance(parameters, list) else [parameters]  # type: ignore[list-item]


def named(mapper: Mapper[Any], name: str, row: Mapping[str, Any]) -> Any:
    """The value of an attribute in one set of parameters; None where it does not say it."""
    return next((row[spelt] for spelt in spellings(mapper, name) if row.get(spelt) is not None), None)


def sets(statement: Any, parameters: Iterable[Mapping[str, Any]], names: set[str]) -> bool:
    """Whether an UPDATE sets an attribute that may be spelt like this."""
    targets = [*(getattr(statement, "_values", None) or ())]
    targets += [column for column, _ in getattr(statement, "_ordered_values", None) or ()]
    found = {getattr(target, "key", target) for target in targets} | {name for row in parameters for name in row}
    return not found.isdisjoint(names)


def upsert_sets(statement: Any) -> set[str] | None:
    """The names that an INSERT sets in rows that are there already; None where it is no upsert."""
    clause = getattr(statement, "_post_values_clause", None)
    if clause is None:
        return None
    pairs = getattr(clause, "update_values_to_set", None) or getattr(clause, "update", None) or ()
    keys = pairs if isinstance(pairs, Mapping) else [key for key, _ in pairs]
    return {str(getattr(key, "key", key)) for key in keys}


def spellings(mapper: Mapper[Any], name: str) -> set[str]:
    """How a statement may call an attribute: by its own name, or by its column's."""
    found = {name}
    if mapper.has_property(name):
        columns: Sequence[ColumnElement[Any]] = getattr(mapper.get_property(name), "columns", ())
        found |= {str(text) for column in columns for text in (column.key, getattr(column, "name", None)) if text}
    return found


def key_names(mapper: Mapper[Any]) -> list[str]:
    """The attributes of a mapper's primary key."""
    return [mapper.get_property_by_column(column).key for column in mapper.primary_key]


def _discriminator(mapper: Mapper[Any]) -> set[str]:
    column = mapper.polymorphic_on
    if column is None or not mapper.has_property(str(getattr(column, "key", ""))):
        return {str(getattr(column, "key", ""))}
    return spellings(mapper, str(column.key))
