"""Orders that do not come from the query: `sort`, ranking rules such as `year:desc`, and distance from a point."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice

from ..refusal import Refusal
from .column import Column
from .fields import facet_text, names
from .forms import Forms
from .geo import Point, distance
from .rules import Bucket, Detail, Placed

_FLOAT = r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"
_GEO = re.compile(rf"_geoPoint\({_FLOAT},{_FLOAT}\)")
_FEW = 1_000


@dataclass(frozen=True, slots=True)
class Criterion:
    """One element of a sort: an attribute, or a point to measure from."""

    attribute: str
    ascending: bool
    point: Point | None = None


def check_syntax(sort: list[str], *, code: str) -> list[str]:
    """The same `sort`, refused with `code` if an element cannot be understood."""
    for text in sort:
        understood(text, code)
    return sort


def criteria(sort: list[str], forms: Forms, *, code: str) -> list[Criterion]:
    """The elements of a `sort`. Refusal with `code` if one cannot be understood or is not sortable."""
    return [_criterion(one, forms, code) for one in sort]


def understood(text: str, code: str) -> Criterion:
    """One element of a `sort`, whether the index can sort by it or not. Refusal with `code` if it cannot be read."""
    subject, colon, direction = text.rpartition(":")
    if not colon or direction not in ("asc", "desc"):
        raise Refusal(
            code,
            f"Invalid syntax for the sort parameter: expected expression ending by `:asc` or `:desc`, found `{text}`.",
        )
    if subject.startswith("_geoPoint"):
        return Criterion("_geo", direction == "asc", _point(subject, text, code))
    if subject in ("_geo", "_geoDistance") or subject.startswith(("_geoRadius(", "_geoBoundingBox(")):
        raise Refusal(
            code,
            f"`{subject}` is a reserved keyword and thus can't be used as a sort expression."
            " Use the _geoPoint(latitude, longitude) built-in rule to sort on _geo field coordinates.",
        )
    return Criterion(subject, direction == "asc")


def _criterion(text: str, forms: Forms, code: str) -> Criterion:
    criterion = understood(text, code)
    sortable: list[str] = forms.settings["sortableAttributes"]
    if not any(names(one, criterion.attribute) for one in sortable):
        available = ", ".join(f"`{one}`" for one in sorted(sortable))
        hint = (
            f"Available sortable attributes are: {available}."
            if sortable
            else "This index does not have configured sortable attributes."
        )
        raise Refusal(code, f"Index `{forms.uid}`: Attribute `{criterion.attribute}` is not sortable. {hint}")
    return criterion


def _point(subject: str, text: str, code: str) -> Point:
    found = _GEO.fullmatch(subject)
    if found is None:
        raise Refusal(
            code,
            f"Invalid syntax for the geo parameter: expected expression formatted like `_geoPoint(latitude,"
            f" longitude)` and ending by `:asc` or `:desc`, found `{text}`.",
        )
    point = float(found.group(1)), float(found.group(2))
    if not -90 <= point[0] <= 90:
        raise Refusal(code, f"Latitude must be contained between -90 and 90 degrees. Found `{point[0]}`.")
    if not -180 <= point[1] <= 180:
        raise Refusal(code, f"Longitude must be contained between -180 and 180 degrees. Found `{point[1]}`.")
    return point


class ByValue:
    """Documents by the values of an attribute; those without one last."""

    def __init__(self, column: Column, criterion: Criterion) -> None:
        self._column, self._criterion = column, criterion

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """One part for each value."""
        left = set(bucket.slots)
        order = self._few(left) if len(left) < _FEW else self._column.in_order(ascending=self._criterion.ascending)
        for value, slots in order:
            own = left.intersection(slots)
            if own:
                left -= own
                yield self._detail(value), bucket.only(own)
            if not left:
                return
        yield self._detail(None), bucket.only(left)

    def listed(self, slots: AbstractSet[int]) -> Iterator[AbstractSet[int]]:
        """The parts of some documents as a sorted fetch lists them."""
        left: dict[type, set[int]] = {float: set(slots), str: set(slots)}
        for value, holding in self._few(slots):
            own = left[type(value)].intersection(holding)
            left[type(value)] -= own
            if own:
                yield own
        rest = slots - self._column.present()
        if rest:
            yield rest

    def _few(self, slots: AbstractSet[int]) -> Iterator[tuple[str | float, list[int]]]:
        """The order among few documents, without a look at all the others."""
        held: dict[str | float, list[int]] = defaultdict(list)
        for slot in slots:
            for value in self._column.values(slot):
                held[value].append(slot)
        numbers = [value for value in held if not isinstance(value, str)]
        texts = [value for value in held if isinstance(value, str)]
        down = not self._criterion.ascending
        yield from ((value, held[value]) for value in sorted(numbers, reverse=down))
        yield from ((value, held[value]) for value in sorted(texts, reverse=down))

    def _detail(self, value: str | float | None) -> Detail:
        key = (2,) if value is None else (1, value) if isinstance(value, str) else (0, value)
        direction = "asc" if self._criterion.ascending else "desc"
        name = self._criterion.attribute
        return Placed(f"{name}:{direction}", key, self._criterion.ascending, {"value": value}, name)


class ByDistance:
    """Documents by their distance from a point; those without a place last."""

    def __init__(self, forms: Forms, criterion: Criterion) -> None:
        self._places, self._criterion = forms.places, criterion

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """One part for each document that has a place."""
        slots, centre = bucket.slots, self._criterion.point
        assert centre is not None
        far = [(distance(centre, point), slot) for slot in slots if (point := self._places.get(slot)) is not None]
        far.sort(key=lambda pair: (pair[0] if self._criterion.ascending else -pair[0], pair[1]))
        for metres, slot in far:
            yield self._detail(slot, metres), bucket.only(frozenset((slot,)))
        rest = bucket.only(slots - {slot for _, slot in far})
        if rest.ways:
            yield self._detail(None, None), rest

    def listed(self, slots: AbstractSet[int]) -> Iterator[AbstractSet[int]]:
        """The parts of some documents as a sorted fetch lists them."""
        for _, bucket in self.split(Bucket(((None, slots),))):
            yield bucket.slots

    def _detail(self, slot: int | None, metres: float | None) -> Detail:
        centre, point = self._criterion.point, None if slot is None else self._places.get(slot)
        assert centre is not None
        direction = "asc" if self._criterion.ascending else "desc"
        told = {
            "value": None if point is None else {"lat": point[0], "lng": point[1]},
            "distance": None if metres is None else round(metres, 3),
        }
        name = f"_geoPoint({facet_text(centre[0])}, {facet_text(centre[1])}):{direction}"
        return Placed(name, (2,) if metres is None else (0, metres), self._criterion.ascending, told)


def rule_of(criterion: Criterion, forms: Forms) -> ByValue | ByDistance:
    """The ranking rule that orders by a criterion."""
    if criterion.point is not None:
        return ByDistance(forms, criterion)
    return ByValue(forms.column(criterion.attribute), criterion)


def in_order(rules: Sequence[ByValue | ByDistance], slots: AbstractSet[int]) -> Iterator[int]:
    """Documents as a sorted fetch lists them.

    By a value the engine lists those that have a text after those that have a number, so one that has both is there
    twice; those that have the attribute without any value are not there at all.
    """
    if not rules:
        yield from sorted(slots)
        return
    for part in rules[0].listed(slots):
        yield from in_order(rules[1:], part)


def from_place(rules: Sequence[ByValue | ByDistance], slots: AbstractSet[int], place: int) -> Iterator[int]:
    """The same from a place on.

    The engine steps over whole parts by the number of their documents, those that are not listed included; where it
    then finds no more in a part it ends.
    """
    if not rules or not place:
        yield from islice(in_order(rules, slots), place, None)
        return
    parts = rules[0].listed(slots)
    for part in parts:
        if place >= len(part):
            place -= len(part)
            if place:
                continue
            break
        first = list(from_place(rules[1:], part, place))
        if not first:
            return
        yield from first
        break
    for part in parts:
        yield from in_order(rules[1:], part)


def once(rules: Sequence[str], sort: Sequence[Criterion]) -> Iterator[str | Criterion]:
    """Ranking rules with the sort in its place; of several orders by one attribute, or by distance, only the first."""
    seen: set[str] = set()
    for rule in rules:
        attribute, colon, direction = rule.rpartition(":")
        criteria_ = sort if rule == "sort" else [Criterion(attribute, direction == "asc")] if colon else ()
        for one in criteria_:
            name = "" if one.point is not None else one.attribute
            if name not in seen:
                seen.add(name)
                yield one
        if not colon and rule != "sort":
            yield rule
