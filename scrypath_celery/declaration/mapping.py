"""What SQLAlchemy knows of a class before its mappers are configured, and without configuring them.

A relationship may name a class that is declared later. Reading `mapper.attrs` (or `.relationships`, `.column_attrs`)
before that configures all mappers, fails, and leaves them broken for good; so nothing here reads them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cached_property
from types import FunctionType
from typing import Any

import sqlalchemy
from sqlalchemy import Column, Table
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import ColumnProperty, InstrumentedAttribute, Mapper, RelationshipProperty
from sqlalchemy.orm.exc import UnmappedColumnError

from ..errors import SchemaError


def mapper_of(model: type[Any]) -> Mapper[Any] | None:
    """The mapper of a class, or None where it has none (yet)."""
    found = sqlalchemy.inspect(model, raiseerr=False)
    return found if isinstance(found, Mapper) else None


def configured(mapper: Mapper[Any]) -> bool:
    """Whether all mappers of its registry are configured, so that every back reference is there too."""
    return all(one.configured for one in mapper.registry.mappers)


def table_name(model: type[Any]) -> str | None:
    """The name of the table that a class is mapped to, or will be."""
    mapper = mapper_of(model)
    table = mapper.local_table if mapper is not None else getattr(model, "__table__", None)
    if isinstance(table, Table):
        return str(table.name)
    name = getattr(model, "__tablename__", None)
    return name if isinstance(name, str) else None


def primary_key(mapper: Mapper[Any]) -> tuple[str, ...]:
    """The attributes of the primary key."""
    names = []
    for column in mapper.primary_key:
        try:
            names.append(mapper.get_property_by_column(column).key)
        except UnmappedColumnError:
            raise SchemaError(
                f"{mapper.class_.__name__}: primary key column {column.name!r} has no attribute"
            ) from None
    return tuple(names)


def static(model: type[Any], name: str) -> Any:
    """What a class has under a name, without evaluating it; None where it has nothing."""
    return inspect.getattr_static(model, name, None)


def is_field(model: type[Any], name: str) -> bool:
    """Whether a record has a value under this name: a column, hybrid, property or proxy, but no method."""
    found = static(model, name)
    return found is not None and not isinstance(found, FunctionType | classmethod | staticmethod | type)


def is_relationship(mapper: Mapper[Any], name: str) -> bool:
    """Whether a name is a relationship; ask only once the mappers are configured."""
    return mapper.has_property(name) and isinstance(mapper.get_property(name), RelationshipProperty)


def is_column(mapper: Mapper[Any], name: str) -> bool:
    """Whether a name is a mapped column; ask only once the mappers are configured."""
    return mapper.has_property(name) and isinstance(mapper.get_property(name), ColumnProperty)


def changes_unasked(mapper: Mapper[Any], name: str) -> bool:
    """Whether an UPDATE of other columns changes this one too: `onupdate`, a computed column, a version counter.

    Ask only once the mappers are configured.
    """
    return any(
        column is mapper.version_id_col
        or column.onupdate is not None
        or column.server_onupdate is not None
        or "ON UPDATE" in str(getattr(column.server_default, "arg", "")).upper()  # as MariaDB spells it
        for column in mapper.get_property(name).columns
        if isinstance(column, Column)
    )


def is_plain(mapper: Mapper[Any], name: str) -> bool:
    """Whether a record's value under this name is what the database says: a column, or a hybrid with an expression.

    Ask only once the mappers are configured.
    """
    if isinstance(found := static(mapper.class_, name), hybrid_property):
        return found.expr is not None and found.expr is not found.fget
    if not isinstance(found, InstrumentedAttribute) or not is_column(mapper, name):
        return False
    columns = mapper.get_property(name).columns
    return len(columns) == 1 and isinstance(columns[0], Column)


def is_single(mapper: Mapper[Any]) -> bool:
    """Whether all records are of one class, in one table, with no way of its own to read an attribute."""
    lonely = mapper.inherits is None and mapper.polymorphic_on is None and len(list(mapper.self_and_descendants)) == 1
    model = mapper.class_
    own = static(model, "__getattribute__") is not static(object, "__getattribute__")
    return lonely and isinstance(mapper.local_table, Table) and not own


def observed(mapper: Mapper[Any]) -> bool:
    """Whether something listens to records being loaded, and may change them then (a reconstructor, mutable types)."""
    dispatch = mapper.class_manager.dispatch
    return bool(dispatch.load) or bool(dispatch.refresh)


def has_expression(model: type[Any], name: str) -> bool:
    """Whether a name can be asked of the database: a mapped attribute or a hybrid, not a plain property."""
    return not isinstance(static(model, name), property | cached_property) and is_field(model, name)


def fields(model: type[Any], mapper: Mapper[Any]) -> list[str]:
    """The names that a declaration may use, for suggestions."""
    known = {str(key) for key in mapper.all_orm_descriptors.keys()}  # noqa: SIM118 - it is no dict
    for owner in model.__mro__:
        known |= {
            name
            for name, value in vars(owner).items()
            if isinstance(value, property | cached_property | hybrid_property)
        }
    return sorted(name for name in known if is_field(model, name))


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message that suggests the nearest known name."""
    near = get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
