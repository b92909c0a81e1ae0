"""The words of an index's documents: the inverted index with its fields and their lengths, kept in step with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from .fields import leaves, names, text_of
from .store import Change
from .tokens import MAX_POSITION, Tokenizer
from .vocabulary import Spot, Vocabulary

_BETWEEN_VALUES = 8
_MOST_COUNTED = 255
_UNSEARCHED = ("_geo", "_geojson")
_UNSEARCHED_INSIDE = ("_geo.", "_geojson.")


class Textual:
    """What can be searched of the documents: which field holds which word at which position.

    `fields` are the paths met so far by number; `weights` say how much each counts (its place among
    `searchableAttributes`; all the same if these are `*`).
    """

    def __init__(self, settings: dict[str, Any], tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.vocabulary = Vocabulary()
        self.fields: list[str] = []
        self.weights: list[int] = []
        self._attributes: list[str] = settings["searchableAttributes"]
        self._numbers: dict[str, int | None] = {}
        self._lengths: list[bytearray] = []

    def fill(self, documents: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Take in all documents."""
        for slot, document in documents:
            self._read(slot, document, self.vocabulary.add)
        self.vocabulary.settle()

    def change(self, changes: Iterable[Change]) -> None:
        """Follow changes of documents."""
        removed, added = defaultdict[str, set[Spot]](set), defaultdict[str, set[Spot]](set)
        for change in changes:
            if change.before is not None:
                self._read(change.slot, change.before, lambda word, place: removed[word].add(place))
                for lengths in self._lengths:
                    if change.slot < len(lengths):
                        lengths[change.slot] = 0
            if change.after is not None:
                self._read(change.slot, change.after, lambda word, place: added[word].add(place))
        self.vocabulary.change(removed, added)

    def length(self, slot: int, field: int) -> int:
        """How many words a field of a document has (255 stands for more)."""
        lengths = self._lengths[field]
        return lengths[slot] if slot < len(lengths) else 0

    def numbers_of(self, attributes: Iterable[str]) -> frozenset[int]:
        """The numbers of the fields that some attributes mean."""
        wanted = list(attributes)
        return frozenset(number for number, path in enumerate(self.fields) if any(names(one, path) for one in wanted))

    def highest_weight(self) -> int:
        """The weight of the attribute that counts least."""
        return max(self.weights, default=0)

    def _read(self, slot: int, document: dict[str, Any], note: Callable[[str, Spot], None]) -> None:
        """Note the words of a document with their spots, and the lengths of its fields."""
        reached: dict[int, int] = {}
        for path, value in leaves(document):
            field = self._numbers[path] if path in self._numbers else self._number(path)
            if field is None:
                continue
            text = value if type(value) is str else text_of(value)
            if text is None:
                continue
            words = self.tokenizer.words(text)
            start = reached[field] + _BETWEEN_VALUES if field in reached else 0
            reached[field] = start + words[-1][1] if words else start
            base = (slot << 32 | field << 16) + start
            for word, position in words:
                if start + position <= MAX_POSITION:
                    note(word, base + position)
            lengths = self._lengths[field]
            if slot >= len(lengths):
                lengths.extend(bytes(slot + 1 - len(lengths)))
            lengths[slot] = min(lengths[slot] + len(words), _MOST_COUNTED)

    def _number(self, path: str) -> int | None:
        """The number of a field, given at first sight; None if it is not searched."""
        weight = self.weight_of(path)
        self._numbers[path] = number = None if weight is None else len(self.fields)
        if weight is not None:
            self.fields.append(path)
            self._lengths.append(bytearray())
            self.weights.append(weight)
        return number

    def weight_of(self, path: str) -> int | None:
        """The place of a field among the searchable attributes, 0 if they have no order; None if it is not searched."""
        if path in _UNSEARCHED or path.startswith(_UNSEARCHED_INSIDE):
            return None
        if self._attributes == ["*"]:
            return 0
        return next((place for place, one in enumerate(self._attributes) if names(one, path)), None)
