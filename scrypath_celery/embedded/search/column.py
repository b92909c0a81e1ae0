"""One attribute over all documents: what filters, sorting, facets and distinct look at."""

from __future__ import annotations

import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

from .fields import found, nested_paths
from .geo import point_of
from .store import Change

_LAST = "\U0010ffff"


@lru_cache(maxsize=65_536)
def facet_normal(text: str) -> str:
    """How facet values are compared: without the white space around them and in lower case (accents stay)."""
    return unicodedata.normalize("NFKD", text.strip()).lower()


@dataclass(frozen=True, slots=True)
class Several:
    """The values of a document that has not exactly one; `null` and `empty` tell how it stands there without any.

    `blank`: it has an empty text, which is a value for `distinct` alone.
    """

    values: tuple[str | float, ...] = ()
    null: bool = False
    empty: bool = False
    blank: bool = False


_NULL, _EMPTY, _PRESENT, _NULL_AND_EMPTY = Several(null=True), Several(empty=True), Several(), Several((), True, True)
_GEO = ("_geo", "_geo.lat", "_geo.lng")
Cell = str | float | Several | None


@dataclass(frozen=True, slots=True)
class Sorted:
    """All values with the slots that hold them, in ascending order: numbers and texts by themselves."""

    numbers: Sequence[float]
    number_slots: Sequence[int]
    texts: Sequence[str]
    text_slots: Sequence[int]


def _holds_blank(place: Any) -> bool:
    return place == "" or (isinstance(place, list) and any(map(_holds_blank, place)))


def _coordinate(document: dict[str, Any], attribute: str, nested: set[str]) -> Cell:
    """The engine keeps the two coordinates of a place as fields of their own, and nothing of the place itself."""
    point = point_of(document)
    if point is None:
        return None
    if attribute == "_geo":
        nested.update(_GEO[1:])
        return None
    return point[attribute == "_geo.lng"]


class Column:
    """The values of one attribute by slot; numbers as floats, texts and booleans in their normal form.

    `spelling` has a way in which a text was written, and `nested` the fields inside the attribute, with their whole
    paths.
    """

    def __init__(self, attribute: str) -> None:
        self.attribute = attribute
        self.spelling: dict[str, str] = {}
        self.nested: set[str] = set()
        self._cells: list[Cell] = []
        self._sorted: Sorted | None = None

    def fill(self, documents: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Take in all documents."""
        for slot, document in documents:
            self._set(slot, self._cell(document))

    def change(self, changes: Iterable[Change]) -> None:
        """Follow changes of documents."""
        for one in changes:
            self._set(one.slot, None if one.after is None else self._cell(one.after))
        self._sorted = None

    def _set(self, slot: int, cell: Cell) -> None:
        if slot >= len(self._cells):
            self._cells.extend([None] * (slot + 1 - len(self._cells)))
        self._cells[slot] = cell

    def _cell(self, document: dict[str, Any]) -> Cell:
        if self.attribute in _GEO:
            return _coordinate(document, self.attribute, self.nested)
        places = list(found(document, self.attribute))
        if not places:
            return None
        values: list[str | float] = []
        for place in places:
            self._collect(place, values)
        blank = any(map(_holds_blank, places))
        if len(values) == 1 and len(places) == 1 and not isinstance(places[0], list):
            return values[0]
        null, empty = any(place is None for place in places), any(place in ("", [], {}) for place in places)
        if values:
            return Several(tuple(values), null, empty, blank)
        if blank:
            return Several((), null, empty, True)
        if null:
            return _NULL_AND_EMPTY if empty else _NULL
        return _EMPTY if empty else _PRESENT

    def _collect(self, place: Any, values: list[str | float]) -> None:
        if isinstance(place, bool):
            values.append("true" if place else "false")
        elif isinstance(place, int | float):
            values.append(float(place))
        elif isinstance(place, str):
            if not place:
                return
            plain = facet_normal(place)
            if plain != place:
                self.spelling.setdefault(plain, place)
            values.append(plain)
        elif isinstance(place, list):
            for one in place:
                self._collect(one, values)
        elif isinstance(place, dict):
            self.nested.update(nested_paths(place, f"{self.attribute}."))

    def values(self, slot: int) -> tuple[str | float, ...]:
        """The values of the document in a slot."""
        cell = self._cells[slot] if slot < len(self._cells) else None
        if isinstance(cell, Several):
            return cell.values
        return () if cell is None else (cell,)

    def is_blank(self, slot: int) -> bool:
        """Whether the document in a slot has an empty text there."""
        cell = self._cells[slot] if slot < len(self._cells) else None
        return isinstance(cell, Several) and cell.blank

    def sorted(self) -> Sorted:
        """All values in order; derived at the first question after a change."""
        if self._sorted is None:
            numbers: list[tuple[float, int]] = []
            texts: list[tuple[str, int]] = []
            for slot, cell in enumerate(self._cells):
                for value in cell.values if isinstance(cell, Several) else () if cell is None else (cell,):
                    if isinstance(value, str):
                        texts.append((value, slot))
                    else:
                        numbers.append((value, slot))
            numbers.sort()
            texts.sort()
            self._sorted = Sorted(
                array("d", [v for v, _ in numbers]),
                array("I", [s for _, s in numbers]),
                [v for v, _ in texts],
                array("I", [s for _, s in texts]),
            )
        return self._sorted

    def equal(self, text: str, number: float | None) -> set[int]:
        """The slots that hold a text or, where it spells one, that number."""
        plain, order = facet_normal(text), self.sorted()
        slots = set(order.text_slots[bisect_left(order.texts, plain) : bisect_right(order.texts, plain)])
        if number is not None:
            slots.update(order.number_slots[bisect_left(order.numbers, number) : bisect_right(order.numbers, number)])
        return slots

    def holding(self, value: str | float) -> set[int]:
        """The slots that hold a value, as `values` has it."""
        order = self.sorted()
        if isinstance(value, str):
            return set(order.text_slots[bisect_left(order.texts, value) : bisect_right(order.texts, value)])
        return set(order.number_slots[bisect_left(order.numbers, value) : bisect_right(order.numbers, value)])

    def beginning(self, prefix: str) -> set[int]:
        """The slots that hold a text that begins so."""
        if not prefix:
            return self.present()
        plain, order = facet_normal(prefix), self.sorted()
        return set(order.text_slots[bisect_left(order.texts, plain) : bisect_left(order.texts, plain + _LAST)])

    def number_range(self, low: float, high: float, *, above: bool = True, below: bool = True) -> set[int]:
        """The slots that hold a number from `low` to `high`; `above` and `below`: whether the bounds belong to it."""
        order = self.sorted()
        start = (bisect_left if above else bisect_right)(order.numbers, low)
        return set(order.number_slots[start : (bisect_right if below else bisect_left)(order.numbers, high)])

    def text_range(self, low: str | None, high: str | None, *, above: bool = True, below: bool = True) -> set[int]:
        """The slots that hold a text from `low` to `high` (None: no bound), in the order of characters."""
        order = self.sorted()
        start = 0 if low is None else (bisect_left if above else bisect_right)(order.texts, low)
        end = len(order.texts) if high is None else (bisect_right if below else bisect_left)(order.texts, high)
        return set(order.text_slots[start:end])

    def any(self) -> bool:
        """Whether a document has the attribute."""
        return any(cell is not None for cell in self._cells)

    def present(self) -> set[int]:
        """The slots that have the attribute at all."""
        return {slot for slot, cell in enumerate(self._cells) if cell is not None}

    def null(self) -> set[int]:
        """The slots where it is null."""
        return {slot for slot, cell in enumerate(self._cells) if isinstance(cell, Several) and cell.null}

    def empty(self) -> set[int]:
        """The slots where it is an empty text, array or object."""
        return {slot for slot, cell in enumerate(self._cells) if isinstance(cell, Several) and cell.empty}

    def in_order(self, *, ascending: bool) -> Iterator[tuple[str | float, list[int]]]:
        """The values with their slots in the order of a sort: numbers before texts, whichever the direction."""
        order = self.sorted()
        for values, slots in ((order.numbers, order.number_slots), (order.texts, order.text_slots)):
            pairs = (
                zip(values, slots, strict=True) if ascending else zip(reversed(values), reversed(slots), strict=True)
            )
            for value, group in groupby(pairs, key=lambda pair: pair[0]):
                yield value, [slot for _, slot in group]
