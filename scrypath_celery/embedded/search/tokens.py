"""Text into words: the segmentation and the normalisation that documents, queries and highlights share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from .separators import SEPARATORS, normal_form

MAX_POSITION = 65_535
_HARD_STEP = 8
_STEPS = {"word": 0, "soft": 1, "hard": _HARD_STEP}
LONGEST = 250
# Texts so short come again and again (countries, states, kinds); so many of them are remembered with their words.
_SHORT = 40
_MOST_KNOWN = 20_000
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"


# Columns of numbers are common, and what they are cut into needs no search for separators.
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of a text: `lemma` is its normal form, `start` and `end` are its bounds in characters.

    `kind` is `word`, `stop` (a stop word), `soft` or `hard` (separators; a hard one ends a sentence).
    """

    lemma: str
    start: int
    end: int
    kind: str

    @property
    def is_word(self) -> bool:
        """Whether this is a word, stop words included."""
        return self.kind in ("word", "stop")


@lru_cache(maxsize=65_536)
def normal(text: str) -> str:
    """`text` in lower case, without accents and other marks: how words, facet values and filters are compared."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).lower().translate(_LIGATURES)
    return "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cc"))


class Tokenizer:
    """Cuts text by an index's stop words, separators and dictionary.

    Not as the engine does it for scripts without spaces: there an ideograph is a word, and nothing else is split.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        kept = set(settings["nonSeparatorTokens"])
        added = {one for one in settings["separatorTokens"] if one}
        # As they stand in the settings: what is written with a capital is no stop word.
        self._stop = frozenset(settings["stopWords"])
        self._dictionary = frozenset(one for one in settings["dictionary"] if one)
        self._special = bool(self._stop or self._dictionary or added or kept)
        self._separators = SEPARATORS - kept | added
        self._marks = {one: normal_form(one, self._separators) for one in self._separators}
        # How far a separator puts the next word; 0 for one that is a word itself.
        self._steps = {one: _STEPS[kind] for one, (_, kind) in self._marks.items()}
        self._pieces = self._pattern()
        self._known: dict[str, list[tuple[str, int]]] = {}

    def _pattern(self) -> re.Pattern[str]:
        """Dictionary words, separators of several characters, single ones, ideographs, and runs of anything else."""
        single = "".join(re.escape(one) for one in sorted(self._separators) if len(one) == 1)
        several = [re.escape(one) for one in sorted(self._separators, key=lambda one: (-len(one), one)) if len(one) > 1]
        dictionary = [re.escape(one) for one in sorted(self._dictionary, key=len, reverse=True)]
        breaks = "".join(f"(?!{one})" for one in several)
        word = f"(?:{breaks}[^{single}{_IDEOGRAPH}])+"
        return re.compile("|".join([*dictionary, *several, f"[{single}{_IDEOGRAPH}]", word]))

    def tokens(self, text: str) -> Iterator[Token]:
        """All pieces of `text` in order, separators included."""
        for piece in self._pieces.finditer(text):
            start, found = piece.start(), piece.group()
            mark = self._marks.get(found)
            if mark is not None:
                yield Token(mark[0], start, piece.end(), mark[1])
                continue
            for part in self._parts(found):
                if lemma := normal(part):
                    yield Token(lemma, start, start + len(part), "stop" if self._stops(part) else "word")
                start += len(part)

    def _stops(self, word: str) -> bool:
        """Whether this is a stop word; the engine looks before it makes letters small."""
        return bool(self._stop) and unicodedata.normalize("NFKD", word) in self._stop

    def words(self, text: str) -> list[tuple[str, int]]:
        """The words of `text` with their positions; stop words are left out but take their place."""
        if not self._special and _NUMBER.fullmatch(text):
            return [(part, place) for place, part in enumerate(text.lstrip("-").split("."))]
        if len(text) > _SHORT:
            return list(self._words(text))
        known = self._known.get(text)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[text] = list(self._words(text))
        return known

    def _words(self, text: str) -> Iterator[tuple[str, int]]:
        position, step = 0, 0
        steps, stop = self._steps, self._stop
        for found in self._pieces.findall(text):
            mark = steps.get(found)
            if mark is None:
                lower = found.lower()
                if found[1:] == lower[1:] and found.isascii():
                    position += step
                    step = 1
                    if position > MAX_POSITION:
                        return
                    if len(lower) <= LONGEST and not (stop and found in stop):
                        yield lower, position
                    continue
                pairs = [(lemma, part) for part in self._parts(found) if (lemma := normal(part).strip())]
            elif mark:
                if step and mark == _HARD_STEP:
                    step = _HARD_STEP
                continue
            else:
                pairs = [(self._marks[found][0], found)]
            for lemma, part in pairs:
                position += step
                step = 1
                if position > MAX_POSITION:
                    return
                if len(lemma) <= LONGEST and not (stop and self._stops(part)):
                    yield lemma, position

    def _parts(self, word: str) -> list[str]:
        """`word` cut where a small letter is followed by a capital, unless the dictionary has it."""
        rest = word[1:]
        if rest == rest.lower() or word.isupper() or word in self._dictionary:
            return [word]
        cuts = [at for at in range(1, len(word)) if word[at].isupper() and word[at - 1].islower()]
        return [word[start:end] for start, end in zip([0, *cuts], [*cuts, len(word)], strict=True)]
