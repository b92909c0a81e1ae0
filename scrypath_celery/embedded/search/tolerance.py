"""How many typos a word may have."""

from __future__ import annotations

from typing import Any

from .fields import names
from .tokens import normal


class Tolerance:
    """The setting `typoTolerance`, as far as it is about words."""

    def __init__(self, settings: dict[str, Any]) -> None:
        sizes = settings["minWordSizeForTypos"]
        self._enabled: bool = settings["enabled"]
        self._one, self._two = sizes["oneTypo"], sizes["twoTypos"]
        self._exact = frozenset(map(normal, settings["disableOnWords"]))
        self._exact_numbers: bool = settings["disableOnNumbers"]
        self._exact_attributes: list[str] = settings["disableOnAttributes"]

    def typos(self, word: str) -> int:
        """How many typos this word of a query may have: none, one or two."""
        if word in self._exact:
            return 0
        return self.typos_of_length(len(word))

    def typos_of_length(self, length: int) -> int:
        """How many typos a word so long may have."""
        if not self._enabled or length < self._one:
            return 0
        return 1 if length < self._two else 2

    def is_exact_attribute(self, attribute: str) -> bool:
        """Whether values of this attribute have to match as they are."""
        return not self._enabled or any(names(one, attribute) for one in self._exact_attributes)

    def is_exact_word(self, word: str) -> bool:
        """Whether this word has to match as it is."""
        return word in self._exact

    def is_exact_number(self, word: str) -> bool:
        """Whether this is a number, and numbers have to match as they are."""
        if not self._exact_numbers:
            return False
        try:
            float(word)
        except ValueError:
            return False
        return True
