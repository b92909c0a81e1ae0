"""Which documents a filter means."""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from typing import Any

from ..refusal import Refusal
from .column import Column, facet_normal
from .filter_syntax import (
    BadFilter,
    Condition,
    Either,
    Every,
    Filter,
    Inside,
    Near,
    Not,
    number,
    parse,
)
from .forms import Forms
from .geo import distance, in_box, in_polygon, shape_of


def read(filter: Any, *, code: str) -> Filter | None:
    """A filter as it comes in a request: a text, or an array (all of) of texts and arrays (one of) of texts.

    None if it says nothing. Refusal with `code` if it cannot be understood.
    """
    try:
        return _read(filter, code)
    except BadFilter as exc:
        raise Refusal(code, str(exc)) from exc


def _read(filter: Any, code: str) -> Filter | None:
    if isinstance(filter, str):
        return _gated(parse(filter))
    if not isinstance(filter, list):
        raise Refusal(code, f"Invalid syntax for the filter parameter: `expected String, Array, found: {filter!r}`.")
    parts: list[Filter] = []
    for one in filter:
        if isinstance(one, list):
            if not all(isinstance(text, str) for text in one):
                raise Refusal(code, f"Invalid syntax for the filter parameter: `expected String, found: {one!r}`.")
            either = [part for text in one if (part := _gated(parse(text))) is not None]
            if either:
                parts.append(either[0] if len(either) == 1 else Either(tuple(either)))
        elif isinstance(one, str):
            if (part := _gated(parse(one))) is not None:
                parts.append(part)
        else:
            raise Refusal(
                code, f"Invalid syntax for the filter parameter: `expected String, [String], found: {one!r}`."
            )
    return None if not parts else parts[0] if len(parts) == 1 else Every(tuple(parts))


def _gated(filter: Filter | None) -> Filter | None:
    for one in _conditions(filter):
        if one.operator == "CONTAINS":
            raise Refusal(
                "feature_not_enabled",
                "Using `CONTAINS` in a filter requires enabling the `contains filter`"
                f" experimental feature.\n{one.where}",
            )
        if one.operator == "EXISTS" and (one.attribute == "_vectors" or one.attribute.startswith("_vectors.")):
            raise Refusal(
                "feature_not_enabled",
                f"using a vector filter requires enabling the `multimodal` experimental feature.\n{one.where}",
            )
    return filter


def _conditions(filter: Filter | None) -> list[Condition]:
    match filter:
        case Condition():
            return [filter]
        case Not(inner):
            return _conditions(inner)
        case Every(parts) | Either(parts):
            return [one for part in parts for one in _conditions(part)]
    return []


class Filtering:
    """Evaluates filters over one index; refusals carry `code` and name the index."""

    def __init__(self, forms: Forms, code: str) -> None:
        self._forms = forms
        self._code = code

    def select(self, filter: Filter) -> AbstractSet[int]:
        """The slots of the documents that fulfil a filter."""
        for one in _conditions(filter):
            self._check(one)
        return self._select(filter)

    def _refuse(self, message: str, where: str) -> Refusal:
        return Refusal(self._code, f"Index `{self._forms.uid}`: {message}\n{where}")

    def _check(self, one: Condition) -> None:
        rules = self._forms.filterable
        if not rules.allows(one.attribute):
            raise self._refuse(f"Attribute `{one.attribute}` is not filterable. {self._available()}", one.where)
        if not rules.allows_operator(one.attribute, one.operator):
            raise Refusal(  # with this code whatever asks
                "invalid_search_filter",
                f"Index `{self._forms.uid}`: Filter operator `{one.operator}` is not allowed for the attribute"
                f" `{one.attribute}`.\n{one.where}",
            )

    def _available(self) -> str:
        patterns = self._forms.filterable.patterns()
        if not patterns:
            return "This index does not have configured filterable attributes."
        return f"Available filterable attribute patterns are: {', '.join(f'`{one}`' for one in patterns)}."

    def _select(self, filter: Filter) -> AbstractSet[int]:
        match filter:
            case Every(parts):
                found = self._select(parts[0])
                for part in parts[1:]:
                    if not found:
                        break
                    found = found & self._select(part)
                return found
            case Either(parts):
                return frozenset().union(*map(self._select, parts))
            case Not(inner):
                return self._forms.store.live() - self._select(inner)
            case Near() | Inside():
                return self._geo(filter)
            case Condition():
                return self._condition(filter)

    def _condition(self, one: Condition) -> AbstractSet[int]:
        if not self._forms.knows(one.attribute):  # no document ever had it: not even `!=` means any
            return frozenset()
        column, values = self._forms.column(one.attribute), one.values
        match one.operator:
            case "=" | "!=" | "IN":
                found: set[int] = set().union(*(column.equal(value, number(value)) for value in values))
                return self._forms.store.live() - found if one.operator == "!=" else found
            case "EXISTS":
                return column.present()
            case "IS NULL":
                return column.null()
            case "IS EMPTY":
                return column.empty()
            case "STARTS WITH":
                return column.beginning(values[0])
        return _ranged(column, one.operator, values)

    def _geo(self, filter: Near | Inside) -> AbstractSet[int]:
        needed = "_geo" if isinstance(filter, Near) or filter.box else "_geojson"
        if not self._forms.filterable.allows(needed):
            raise self._refuse(f"Attribute `{needed}` is not filterable. {self._available()}", filter.where)
        for lat, lng in [(filter.lat, filter.lng)] if isinstance(filter, Near) else filter.points:
            if not -90 <= lat <= 90:
                raise self._refuse(
                    f"Bad latitude `{lat}`. Latitude must be contained between -90 and 90 degrees.", filter.where
                )
            if not -180 <= lng <= 180:
                raise self._refuse(
                    f"Bad longitude `{lng}`. Longitude must be contained between -180 and 180 degrees.", filter.where
                )
        places = self._forms.places.items()
        if isinstance(filter, Near):
            centre, metres = (filter.lat, filter.lng), filter.metres
            return {slot for slot, point in places if distance(centre, point) <= metres}
        if not filter.box:
            shapes = self._forms.store.each()
            return {slot for slot, one in shapes if (point := shape_of(one)) and in_polygon(point, filter.points)}
        top_right, bottom_left = filter.points
        if top_right[0] < bottom_left[0]:
            raise self._refuse(
                f"The top latitude `{top_right[0]}` is below the bottom latitude `{bottom_left[0]}`.", filter.where
            )
        return {slot for slot, point in places if in_box(point, top_right, bottom_left)}


def _ranged(column: Column, operator: str, values: tuple[str, ...]) -> set[int]:
    """The comparisons: between numbers where the values spell some, and between texts."""
    first, last = number(values[0]), number(values[-1])
    low, high = facet_normal(values[0]), facet_normal(values[-1])
    match operator:
        case "TO":
            found = column.text_range(low, high)
            return found if first is None or last is None else found | column.number_range(first, last)
        case "<" | "<=":
            closed = operator == "<="
            found = column.text_range(None, low, below=closed)
            return found if first is None else found | column.number_range(-math.inf, first, below=closed)
        case _:
            closed = operator == ">="
            found = column.text_range(low, None, above=closed)
            return found if first is None else found | column.number_range(first, math.inf, above=closed)


def check_filter(filter: Any, *, code: str) -> None:
    """Refuse with `code` a filter that cannot be understood, and one that says nothing."""
    if read(filter, code=code) is None:
        raise Refusal(code, "Sending an empty filter is forbidden.")
