"""Values of columns, given as text on a command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy.types import TypeDecorator, TypeEngine


def field_value(kind: TypeEngine[Any], text: str) -> Any:
    """The value of a column's type that a text stands for.

    Raises:
        ValueError: it stands for none.
    """
    inner = kind.impl_instance if isinstance(kind, TypeDecorator) else kind
    try:
        found = inner.python_type
    except NotImplementedError:
        return text
    if issubclass(found, Enum):
        return next((one for one in found if text in (one.name, str(one.value))), None) or found(text)
    try:
        return _RULES.get(found, str)(text)
    except InvalidOperation as exc:
        raise ValueError(text) from exc


def _boolean(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


_RULES: Mapping[type[Any], Callable[[str], Any]] = {
    bool: _boolean,
    int: int,
    float: float,
    Decimal: Decimal,
    UUID: UUID,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
}
