"""Text into words: the segmentation and the normalisation that documents, queries and highlights share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

MAX_POSITION = 65_535
_HARD_STEP = 8
_LONGEST = 250
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})
_SENTENCE_ENDS = "!:;?¡§¶¿…‼‽⁇⁈⁉、。！，．：；？،؛؟۔।॥"
_CAMEL = re.compile(r"(?<=[^\W\d_])(?=[^\W\d_])")
_IDEOGRAPH = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"


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


@cache
def _separators() -> frozenset[str]:
    """Punctuation and white space of the basic plane; symbols such as `+` belong to words."""
    return frozenset(c for c in map(chr, range(0x10000)) if c.isspace() or unicodedata.category(c)[0] in "PZ")


def _charclass(characters: Iterable[str]) -> str:
    return "".join(map(re.escape, sorted(characters)))


class Tokenizer:
    """Cuts text by an index's stop words, separators and dictionary.

    Not as the engine does it for scripts without spaces: there an ideograph is a word, and nothing else is split.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        kept = {one for one in settings["nonSeparatorTokens"] if len(one) == 1}
        extra = {one for one in settings["separatorTokens"] if one}
        self._stop = frozenset(map(normal, settings["stopWords"]))
        chars = _charclass((_separators() - kept) | {one for one in extra if len(one) == 1})
        fixed = [re.escape(one) for one in sorted(settings["dictionary"], key=len, reverse=True) if one]
        long = [re.escape(one) for one in sorted(extra, key=len, reverse=True) if len(one) > 1]
        self._hard = frozenset(_SENTENCE_ENDS) - kept | {". ", ", "}
        pairs = [re.escape(one) for one in (". ", ", ") if one[0] not in kept]
        self._extra = extra
        breaks = "".join(rf"(?!{one})" for one in long)
        word = rf"[{_IDEOGRAPH}]|(?:{breaks}[^{chars}{_IDEOGRAPH}])+"
        self._pieces = re.compile("|".join([*(f"(?P<fixed>{one})" for one in ["|".join(fixed)] if one),
                                            f"(?P<separator>{'|'.join([*long, *pairs, f'[{chars}]'])})",
                                            f"(?P<word>{word})"]))  # fmt: skip

    def tokens(self, text: str) -> Iterator[Token]:
        """All pieces of `text` in order, separators included."""
        for piece in self._pieces.finditer(text):
            start, end, found = piece.start(), piece.end(), piece.group()
            if piece.lastgroup == "separator":
                yield Token(found, start, end, "hard" if found in self._hard else "soft")
                continue
            for part, at in _camel(found, start) if piece.lastgroup == "word" else [(found, start)]:
                if lemma := normal(part):
                    yield Token(lemma, at, at + len(part), "stop" if lemma in self._stop else "word")

    def words(self, text: str, start: int = 0) -> Iterator[tuple[str, int]]:
        """The words of `text` with their positions from `start` on; stop words are left out but take their place."""
        position, hard, first = start, False, True
        stop = self._stop
        for piece in self._pieces.finditer(text):
            found = piece.group()
            if piece.lastgroup == "separator":
                hard = hard or found in self._hard
                continue
            parts = [found] if piece.lastgroup == "fixed" or found.islower() else [p for p, _ in _camel(found, 0)]
            for part in parts:
                lemma = normal(part)
                if not lemma:
                    continue
                if not first:
                    position += _HARD_STEP if hard else 1
                first = hard = False
                if position > MAX_POSITION:
                    return
                if lemma not in stop and len(lemma) <= _LONGEST:
                    yield lemma, position


def _camel(word: str, start: int) -> list[tuple[str, int]]:
    """`word` cut where a small letter is followed by a capital, with where each part begins."""
    if not any(c.isupper() for c in word[1:]) or word.isupper():
        return [(word, start)]
    cuts = [0, *(m.start() for m in _CAMEL.finditer(word) if word[m.start() - 1].islower() and word[m.start()].isupper())]
    return [(word[a:b], start + a) for a, b in zip(cuts, [*cuts[1:], len(word)], strict=True)]
