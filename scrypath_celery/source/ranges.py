"""Which values a column can hold: asking for others is an error on some databases, and no record has them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Enum, Integer, SmallInteger
from sqlalchemy.types import TypeDecorator, TypeEngine

_BITS = ((SmallInteger, 16), (BigInteger, 64), (Integer, 32))
"""Widths of PostgreSQL's integers, the narrower classes of SQLAlchemy first."""


def can_hold(dialect: str, kind: TypeEngine[Any], value: Any) -> bool:
    """Whether a column of this type can hold a value, as far as its type tells."""
    if dialect != "postgresql":  # the others compare what they cannot hold
        return True
    inner = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    if isinstance(inner, Enum) and inner.enum_class is None and inner.native_enum:
        return value in inner.enums
    if isinstance(value, int):
        bits = next((width for integer, width in _BITS if isinstance(inner, integer)), None)
        return bits is None or -(2 ** (bits - 1)) <= value < 2 ** (bits - 1)
    return True
