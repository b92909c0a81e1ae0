"""How many typos a word may have."""

from __future__ import annotations

from typing import Any

from scrypath_celery.embedded.search.tokens import normal


class Tolerance:
    """The setting `typoTolerance`, as far as it is about words."""

    def __init__(self, settings: dict[str, Any]) -> None:
        sizes = settings["minWordSizeForTypos"]
        self._enabled: bool = settings["enabled"]
        self._one, self._two = sizes["oneTypo"], sizes["twoTypos"]
        self._exact = frozenset(map(normal, settings["disableOnWords"]))
        self._exact_numbers: bool = settings["disableOnNumbers"]

    def typos(self, word: str) -> int:
        """How many typos this word of a query may have: none, one or two."""
        if not self._enabled or len(word) < self._one or word in self._exact or self.is_exact_number(word):
            return 0
        return 1 if len(word) < self._two else 2

    def is_exact_number(self, word: str) -> bool:
        """Whether this is a number, and numbers have to match as they are."""
        if not self._exact_numbers:
            return False
        try:
            float(word)
        except ValueError:
            return False
        return True
