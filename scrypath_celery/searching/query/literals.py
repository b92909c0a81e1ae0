"""Values as the engine's filter language writes them: typed as the schema projects them, and always quoted by us."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from ...declaration.json_values import json_value
from ...declaration.mapping import nearest
from ...declaration.schema import Schema
from ...errors import ProjectionError, QueryError
from .fields import value_type


def literals(schema: Schema, name: str, values: Iterable[Any]) -> list[str]:
    """The values of a field in the engine's language.

    Raises:
        QueryError: a value has no JSON form, or the field cannot hold it.
    """
    return [literal(schema, name, value) for value in values]


def literal(schema: Schema, name: str, value: Any) -> str:
    """One value of a field in the engine's language.

    Raises:
        QueryError: it has no JSON form, or the field cannot hold it.
    """
    return _written(schema, name, projected(schema, name, value))


def projected(schema: Schema, name: str, value: Any) -> Any:
    """A value as documents hold it in this field.

    Raises:
        QueryError: it has no JSON form, or the field cannot hold it.
    """
    try:
        return json_value(_typed(value_type(schema, name), value))
    except (ProjectionError, ValueError) as exc:
        raise QueryError(f"{schema.name}: the filter on {name!r} {exc}") from exc


def quoted(text: str) -> str:
    """A text between quotes, so that nothing in it can end them."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def number(text: str) -> int | float:
    """The number that a text spells.

    Raises:
        ValueError: it spells none that JSON has.
    """
    try:
        return int(text)
    except ValueError:
        found = float(text)
    if found != found or found in (float("inf"), float("-inf")):
        raise ValueError("no finite number")
    return found


def _written(schema: Schema, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f'"{value!r}"' if "e" in repr(value) else repr(value)
    if isinstance(value, str):
        return quoted(value)
    raise QueryError(
        f"{schema.name}: the filter on {name!r} takes values, lists of values and operators, not {type(value).__name__}"
    )


def _typed(kind: Any, value: Any) -> Any:
    """The value as the field's own type has it, where that can be told.

    Raises:
        ValueError: no field of this type can hold it; the text says what it takes.
    """
    if not isinstance(kind, type):
        return value
    if issubclass(kind, Enum):
        return _member(kind, value)
    rule = _RULES.get(kind)
    if rule is None:
        return value
    try:
        return rule(value)
    except (TypeError, ValueError):
        raise ValueError(f"takes {_TAKES[kind]}, not {type(value).__name__} {str(value)[:40]!r}") from None


def _member(kind: type[Enum], value: Any) -> Any:
    if isinstance(value, kind):
        return value
    known = {json_value(member) for member in kind}
    if not isinstance(value, str | int | float) or value not in known:
        near = nearest(str(value), map(str, known))
        raise ValueError(f"takes {', '.join(sorted(map(str, known)))}, not {str(value)[:40]!r}{near}")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise TypeError("no number")
    return number(value) if isinstance(value, str) else value


def _flag(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return value == "true"
    raise ValueError("no boolean")


def _moment(value: Any) -> Any:
    if isinstance(value, str) and len(value) > len("2026-05-01"):
        return datetime.fromisoformat(value)
    return _day(value)


def _day(value: Any) -> Any:
    if isinstance(value, str):
        date.fromisoformat(value)
    elif not isinstance(value, date):
        raise TypeError("no date")
    return value


def _uuid(value: Any) -> Any:
    if isinstance(value, str):
        return UUID(value)
    if not isinstance(value, UUID):
        raise TypeError("no UUID")
    return value


_RULES: Mapping[type, Callable[[Any], Any]] = {
    int: _number,
    float: _number,
    Decimal: _number,
    bool: _flag,
    datetime: _moment,
    date: _day,
    UUID: _uuid,
}

_TAKES: Mapping[type, str] = {
    int: "numbers",
    float: "numbers",
    Decimal: "numbers",
    bool: "True or False",
    datetime: "dates and times",
    date: "dates",
    UUID: "UUIDs",
}
