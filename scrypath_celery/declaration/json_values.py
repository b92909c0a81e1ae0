"""The JSON that a value becomes in a document. The rules:

- strings, booleans, None and numbers stay; numbers that JSON or the engine cannot hold (NaN, infinite, integers
  beyond 64 bits) are refused;
- a Decimal becomes an integer where it is one, else the nearest float (the engine's numbers are floats; project a
  string where every digit counts);
- dates and times become ISO 8601. A datetime with a zone is written in UTC (`2026-05-01T12:00:00+00:00`), so that
  text sorts as time does; one without a zone is written as it is: nobody guesses its zone;
- a timedelta becomes seconds, a UUID its 36 characters, a member of an enumeration its value;
- mappings with string keys become objects, sequences arrays, sets sorted arrays; what they hold follows the rules;
- bytes, mapped objects and everything else are refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from ..errors import ProjectionError

PLAIN = frozenset({str, bool, type(None)})
"""Types whose values stay as they are."""
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def json_value(value: Any) -> Any:
    """The JSON-ready form of a value.

    Raises:
        ProjectionError: it has none; the message says what kind of value it is, never the value.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    rule = _RULES.get(kind)
    return rule(value) if rule is not None else _derived(value)


def _integer(value: int) -> int:
    if not _SMALLEST <= value <= _LARGEST:
        raise ProjectionError("holds an integer beyond 64 bits")
    return value


def _float(value: float) -> float:
    if not math.isfinite(value):
        raise ProjectionError("holds a number that JSON does not have (NaN or infinite)")
    return value


def _decimal(value: Decimal) -> int | float:
    if value.is_finite() and value == value.to_integral_value():
        return _integer(int(value)) if value.adjusted() < 20 else _float(float(value))
    return _float(float(value))


def _datetime(value: datetime) -> str:
    return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat()


def _object(value: Mapping[Any, Any]) -> dict[str, Any]:
    if not all(isinstance(key, str) for key in value):
        raise ProjectionError("holds an object with a key that is no string")
    return {str(key): json_value(item) for key, item in value.items()}


def _array(value: Sequence[Any]) -> list[Any]:
    return [json_value(item) for item in value]


def _set(value: Set[Any]) -> list[Any]:
    return sorted((json_value(item) for item in value), key=lambda item: (type(item).__name__, str(item)))


_RULES: Mapping[type[Any], Callable[[Any], Any]] = {
    int: _integer,
    float: _float,
    Decimal: _decimal,
    datetime: _datetime,
    date: date.isoformat,
    time: time.isoformat,
    timedelta: timedelta.total_seconds,
    UUID: str,
    dict: _object,
    list: _array,
    tuple: _array,
}

_DERIVED: Sequence[tuple[type[Any], Callable[[Any], Any]]] = (
    (str, str),
    (int, lambda value: _integer(int(value))),
    (float, lambda value: _float(float(value))),
    (Decimal, _decimal),
    (datetime, _datetime),
    (date, date.isoformat),
    (time, time.isoformat),
    (timedelta, timedelta.total_seconds),
    (UUID, str),
    (Mapping, _object),
    (Sequence, _array),
    (Set, _set),
)
"""The same for subclasses and for what is only like them: association proxies, mapped collections."""


def _derived(value: Any) -> Any:
    if isinstance(value, Enum):
        return json_value(value.value)
    if not isinstance(value, bytes | bytearray | memoryview):
        for kind, rule in _DERIVED:
            if isinstance(value, kind):
                return rule(value)
    raise ProjectionError(f"holds a value of the type {type(value).__name__}, which has no JSON form")
