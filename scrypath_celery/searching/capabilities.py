"""What a schema lets a search do, for forms, parsers and documentation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

from ..declaration.json_values import json_value
from ..declaration.schema import Schema
from ..declaration.settings import attributes
from .query.fields import filterable, value_type

ValueKind = Literal["text", "number", "boolean", "date", "datetime", "uuid", "choice", "unknown"]

_KINDS: Mapping[type, ValueKind] = {
    str: "text",
    int: "number",
    float: "number",
    Decimal: "number",
    bool: "boolean",
    date: "date",
    datetime: "datetime",
    UUID: "uuid",
}


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What may be said in searches of a schema.

    `searchable` are the fields that words are looked for in, `filterable` may be patterns. `facetable` are those that
    are declared to be counted by (all filterable ones where none are). `kinds` says of what kind the values of a
    filterable field are, `choices` which ones an enumeration has. The tenant field is in none of them: it is given by
    `tenant=`, never by a form.
    """

    schema: str
    searchable: tuple[str, ...]
    filterable: tuple[str, ...]
    sortable: tuple[str, ...]
    facetable: tuple[str, ...]
    kinds: Mapping[str, ValueKind]
    choices: Mapping[str, tuple[str, ...]]
    tenant_field: str | None = None


def capabilities(schema: Schema) -> Capabilities:
    """What may be said in searches of a schema."""
    fields = [name for name in filterable(schema) if name != schema.tenant_field]
    counted = [name for name in attributes(schema.faceting.get("attributes", ())) if name != schema.tenant_field]
    types = {name: value_type(schema, name) for name in fields}
    return Capabilities(
        schema=schema.name,
        searchable=schema.fields,
        filterable=tuple(fields),
        sortable=schema.sortable,
        facetable=tuple(counted or (name for name in fields if name != "_geo")),
        kinds={name: _kind(kind) for name, kind in types.items()},
        choices={
            name: tuple(str(json_value(member)) for member in kind)
            for name, kind in types.items()
            if isinstance(kind, type) and issubclass(kind, Enum)
        },
        tenant_field=schema.tenant_field,
    )


def _kind(kind: Any) -> ValueKind:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "choice"
    return _KINDS.get(kind, "unknown")
