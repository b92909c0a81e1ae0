"""The conditions that a filter may put on one field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any
from unicodedata import normalize

from ...declaration import mapping
from ...declaration.mapping import nearest
from ...declaration.schema import Schema
from ...errors import QueryError
from .fields import require_filterable
from .geo import box, circle
from .literals import literal, literals, projected, quoted

GEO = "_geo"


def conditions(schema: Schema, name: str, wanted: Any) -> list[str]:
    """What a field must be, as expressions of which all must hold: a value, a list (any of them), None or operators.

    Raises:
        QueryError: the field is not filterable, an operator is unknown, or a value cannot be one of the field.
    """
    if isinstance(wanted, Mapping):
        return _operators(schema, name, wanted)
    require_filterable(schema, name)
    return [_equal(schema, name, wanted)]


def is_list(value: Any) -> bool:
    """Whether a value is a list of values: any sequence or set that is neither text nor bytes."""
    return isinstance(value, Sequence | Set) and not isinstance(value, str | bytes | bytearray | memoryview)


def _operators(schema: Schema, name: str, wanted: Mapping[Any, Any]) -> list[str]:
    if not wanted:
        raise QueryError(f"{schema.name}: the filter on {name!r} says nothing: give a value or an operator")
    found: list[str] = []
    for operator, value in wanted.items():
        rule = OPERATORS.get(operator) if isinstance(operator, str) else None
        if rule is None:
            raise QueryError(
                f"{schema.name}: the filter on {name!r} has no operator {operator!r}"
                f"{nearest(str(operator), OPERATORS)}; operators are {', '.join(OPERATORS)}"
            )
        if operator in ("within_km", "within_box"):
            _require_point(schema, name)
        else:
            require_filterable(schema, name, comparison=operator in ("gt", "gte", "lt", "lte"))
        found += rule(schema, name, value)
    return found


def _require_point(schema: Schema, name: str) -> None:
    """Let a filter call the one point that a document has, `_geo`, by the attribute that it is projected from."""
    if name != GEO and not mapping.is_field(schema.model, name):
        raise QueryError(f"{schema.name} has no field {name!r}{nearest(name, [GEO])}")
    require_filterable(schema, GEO)


def _equal(schema: Schema, name: str, value: Any) -> str:
    if value is None:
        return f"{quoted(name)} IS NULL"
    if is_list(value):
        return _any_of(schema, name, value)
    return f"{quoted(name)} = {literal(schema, name, value)}"


def _any_of(schema: Schema, name: str, values: Any) -> str:
    present = [value for value in values if value is not None]
    among = f"{quoted(name)} IN [{', '.join(literals(schema, name, present))}]"
    if len(present) == len(values):
        return among
    return f"({among} OR {quoted(name)} IS NULL)" if present else f"{quoted(name)} IS NULL"


def _compared(sign: str) -> Callable[[Schema, str, Any], list[str]]:
    def rule(schema: Schema, name: str, value: Any) -> list[str]:
        if value is None or isinstance(value, bool):
            raise QueryError(f"{schema.name}: the filter on {name!r} cannot compare with {value!r}")
        bound = projected(schema, name, value)
        # The engine keeps texts in lower case and decomposed, and compares them with what a bound says as it is.
        written = quoted(normalize("NFKD", bound.strip()).lower()) if isinstance(bound, str) else None
        return [f"{quoted(name)} {sign} {written or literal(schema, name, value)}"]

    return rule


def _one(schema: Schema, name: str, value: Any) -> list[str]:
    if is_list(value):
        raise QueryError(f"{schema.name}: the filter on {name!r}: eq takes one value, in takes a list")
    return [_equal(schema, name, value)]


def _different(schema: Schema, name: str, value: Any) -> list[str]:
    if value is None:
        return [f"{quoted(name)} IS NOT NULL"]
    if is_list(value):
        raise QueryError(f"{schema.name}: the filter on {name!r}: ne takes one value, not_in takes a list")
    return [f"{quoted(name)} != {literal(schema, name, value)}"]


def _within(schema: Schema, name: str, value: Any) -> list[str]:
    return [_equal(schema, name, _listed(schema, name, value))]


def _outside(schema: Schema, name: str, value: Any) -> list[str]:
    return [f"NOT {_equal(schema, name, _listed(schema, name, value))}"]


def _every(schema: Schema, name: str, value: Any) -> list[str]:
    return [_equal(schema, name, item) for item in _listed(schema, name, value)]


def _starting(schema: Schema, name: str, value: Any) -> list[str]:
    if not isinstance(value, str):
        raise QueryError(f"{schema.name}: the filter on {name!r}: starts_with takes text")
    return [f"{quoted(name)} STARTS WITH {quoted(value)}"]


def _being(words: str) -> Callable[[Schema, str, Any], list[str]]:
    def rule(schema: Schema, name: str, value: Any) -> list[str]:
        if not isinstance(value, bool):
            raise QueryError(f"{schema.name}: the filter on {name!r} takes True or False for {words.lower()}")
        if words == "EXISTS":
            return [f"{quoted(name)} {'' if value else 'NOT '}EXISTS"]
        return [f"{quoted(name)} IS {'' if value else 'NOT '}{words}"]

    return rule


def _listed(schema: Schema, name: str, value: Any) -> Any:
    if not is_list(value):
        raise QueryError(f"{schema.name}: the filter on {name!r}: in, not_in and all take a list of values")
    return value


OPERATORS: Mapping[str, Callable[[Schema, str, Any], list[str]]] = {
    "eq": _one,
    "ne": _different,
    "gt": _compared(">"),
    "gte": _compared(">="),
    "lt": _compared("<"),
    "lte": _compared("<="),
    "in": _within,
    "not_in": _outside,
    "all": _every,
    "exists": _being("EXISTS"),
    "null": _being("NULL"),
    "empty": _being("EMPTY"),
    "starts_with": _starting,
    "within_km": circle,
    "within_box": box,
}
"""What a field can be asked beside a value: `{"price": {"gte": 10, "lt": 20}}`."""
