"""How a schema is called where people read it."""

from __future__ import annotations

from ..declaration.registry import Schemas
from ..declaration.schema import Schema


def display_name(schemas: Schemas, schema: Schema) -> str:
    """What commands take for a schema: its class name, or its dotted path where two classes have one name."""
    alone = sum(other.name == schema.name for other in schemas) == 1
    return schema.name if alone else schema.path
