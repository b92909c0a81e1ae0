"""What a schema lets a search do with a field, and what type of value the field holds."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import sqlalchemy
from sqlalchemy.types import TypeDecorator

from ...declaration import mapping
from ...declaration.schema import Schema
from ...declaration.settings import attributes
from ...errors import QueryError


def filterable(schema: Schema) -> list[str]:
    """The names and patterns that a filter may use."""
    return attributes(schema.declared_settings().get("filterableAttributes", ()))


def require_filterable(schema: Schema, name: str, *, comparison: bool = False) -> None:
    """Refuse a field that is not declared filterable, or not for comparisons.

    Raises:
        QueryError: it is not; the message names the nearest field and the remedy.
    """
    declared = schema.declared_settings().get("filterableAttributes", ())
    found = next((item for item in declared if _covers(item, name)), None)
    if found is None:
        near = mapping.nearest(name, filterable(schema))
        raise QueryError(
            f"{schema.name} does not declare {name!r} as filterable{near}: add it to filterable= and apply the settings"
        )
    if comparison and isinstance(found, Mapping):
        features = (found.get("features") or {}).get("filter") or {}
        if not features.get("comparison", False):
            raise QueryError(f"{schema.name} declares {name!r} without comparisons: declare them among its features")


def value_type(schema: Schema, name: str) -> Any:
    """The Python type of a field's values, an enumeration's class included; None where it cannot be told.

    A projection of the model's own may turn values into others, so nothing is told of its fields.
    """
    if schema.projection is not None:
        return None
    column = schema.mapper.columns.get(name)
    if column is None or isinstance(column.type, TypeDecorator):
        return None
    if isinstance(column.type, sqlalchemy.Enum):
        return column.type.enum_class or str
    try:
        return column.type.python_type
    except NotImplementedError:
        return None


def _covers(item: Any, name: str) -> bool:
    return any(fnmatchcase(name, pattern) or name.startswith(f"{pattern}.") for pattern in attributes([item]))
