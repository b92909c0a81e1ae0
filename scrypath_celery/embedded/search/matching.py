"""From the words of a query to the documents that hold them, or what is near enough."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from .query import Term
from .textual import Textual
from .tokens import LONGEST
from .tolerance import Tolerance
from .vocabulary import Spot


@dataclass(frozen=True, slots=True)
class Source:
    """Words or phrases that a term may stand for: how many typos away, where they are, and whether just as written.

    `spots` are those in the fields that are searched, `everywhere` those in any field, which is what counts for places
    and distances; of a phrase both are those of its first word, in the documents that have the phrase. A phrase also
    has where its first and its last word stand at all; these are empty for words.
    """

    typos: int
    exact: bool
    spots: Sequence[Spot]
    everywhere: Sequence[Spot]
    first: Sequence[Spot] = ()
    last: Sequence[Spot] = ()
    phrase: bool = False


@dataclass(slots=True)
class Match:
    """A term with everything in the index that it may stand for.

    `levels[n]` are the slots whose best match is `n` typos away. `words` and `phrases` are what to highlight, and
    `tolerant` is whether the term is long enough for typos.
    """

    term: Term
    most_typos: int
    sources: list[Source]
    words: list[str]
    phrases: list[tuple[str | None, ...]]
    tolerant: bool = False
    levels: tuple[set[int], set[int], set[int]] = field(default_factory=lambda: (set(), set(), set()))

    def __post_init__(self) -> None:
        known: set[int] = set()
        for typos, level in enumerate(self.levels):
            for source in self.sources:
                if source.typos == typos:
                    level.update([place >> 32 for place in source.spots])
            level -= known
            known |= level

    @property
    def slots(self) -> set[int]:
        """Every document that the term matches."""
        zero, one, two = self.levels
        return zero | one | two if one or two else zero

    def spots(self, slots: AbstractSet[int], *, best: bool, everywhere: bool = False) -> list[Spot]:
        """Where the term stands in these documents.

        `best`: in each only by its best match; `everywhere`: in any field.
        """
        found: list[Spot] = []
        wanted = self._wanted(slots, best=best)
        # Whatever a source without typos matches has no better match, so nothing needs to be left out.
        everything = len(wanted[0]) == len(self.levels[0])
        for source in self.sources:
            own, spots = wanted[source.typos], source.everywhere if everywhere else source.spots
            if best and everything and source.typos == 0 and spots is source.spots:
                found.extend(spots)
            elif own:
                found.extend([place for place in spots if place >> 32 in own])
        return found

    def _wanted(self, slots: AbstractSet[int], *, best: bool) -> list[AbstractSet[int]]:
        """In which of these documents each number of typos counts."""
        return [level & slots for level in self.levels] if best else [slots] * len(self.levels)

    def tails(self, slots: AbstractSet[int], *, best: bool) -> Iterator[tuple[Iterable[Spot], bool]]:
        """Where the last word of what the term stands for is in these documents, and whether that ends a phrase."""
        return self._ends(slots, best=best, last=True)

    def heads(self, slots: AbstractSet[int], *, best: bool) -> Iterator[tuple[Iterable[Spot], bool]]:
        """The same for the first word."""
        return self._ends(slots, best=best, last=False)

    def _ends(self, slots: AbstractSet[int], *, best: bool, last: bool) -> Iterator[tuple[Iterable[Spot], bool]]:
        wanted = self._wanted(slots, best=best)
        everything = best and len(wanted[0]) == len(self.levels[0])
        words: list[Spot] = []
        for source in self.sources:
            own = wanted[source.typos]
            if not own:
                continue
            if everything and source.typos == 0 and not source.phrase and source.everywhere is source.spots:
                words.extend(source.everywhere)
            elif source.phrase:
                own = own & {place >> 32 for place in source.spots}
                yield [place for place in (source.last if last else source.first) if place >> 32 in own], True
            else:
                words.extend([place for place in source.everywhere if place >> 32 in own])
        yield words, False

    def exactly(self) -> Match:
        """The same term, if it may stand for nothing but what was written."""
        sources = [source for source in self.sources if source.exact]
        phrase = [self.term.words] if self.term.phrase else []
        return Match(self.term, min(self.most_typos, 1 - self.tolerant), sources, self.words[:1], phrase)

    def exact(self, slots: AbstractSet[int]) -> set[int]:
        """Which of these documents hold the term just as it was written."""
        return {
            slot for source in self.sources if source.exact for place in source.spots if (slot := place >> 32) in slots
        }


class Matcher:
    """Finds what terms stand for, within some fields (None: all that are searched)."""

    def __init__(self, textual: Textual, settings: dict[str, Any], fields: Collection[int] | None) -> None:
        self._textual = textual
        self._vocabulary = textual.vocabulary
        self._fields = fields
        self._tolerance = Tolerance(settings["typoTolerance"])
        self._exact_fields = textual.numbers_of(settings["typoTolerance"]["disableOnAttributes"])
        self._synonyms = _synonyms(settings["synonyms"], textual)
        self._by_word = settings["proximityPrecision"] == "byWord"
        self._phrases: dict[tuple[str | None, ...], set[int]] = {}
        self._known: dict[Term, Match] = {}

    def match(self, term: Term) -> Match:
        """Everything that a term stands for."""
        if term not in self._known:
            self._known[term] = self._phrase(term) if term.phrase else self._word(term)
        return self._known[term]

    def seen(self) -> Iterable[Match]:
        """Every term that was asked for so far, with what it stands for."""
        return self._known.values()

    def holding(self, words: Sequence[str | None]) -> set[int]:
        """The documents that hold a word or phrase, just as written."""
        return self._documents(words) if len(words) > 1 else {place >> 32 for place in self._spots(words[0])}

    def _phrase(self, term: Term) -> Match:
        return Match(term, 0, [self._of_phrase(0, term.words, exact=True)], [], [term.words])

    def _of_phrase(self, typos: int, words: tuple[str | None, ...], *, exact: bool = False) -> Source:
        first, last = (self._vocabulary.spots(word) if word is not None else () for word in (words[0], words[-1]))
        named = next(word for word in words if word is not None)
        spots = self._vocabulary.spots(named)
        if len(words) > 1:
            documents = self._documents(words)
            spots = [place for place in spots if place >> 32 in documents]
        return Source(typos, exact, self._within(spots), spots, first, last, True)

    def _exactly(self, word: str, *, exact: bool) -> Source:
        spots = self._vocabulary.spots(word)
        return Source(0, exact, self._within(spots), spots)

    def _word(self, term: Term) -> Match:
        word = term.word
        if len(word) > LONGEST:
            return Match(term, 1, [], [], [])
        typos = max(0, self._tolerance.typos(word) - (term.size - 1))
        exact = not term.parts
        sources = [self._exactly(word, exact=exact)]
        words = [word] if word in self._vocabulary else []
        phrases: list[tuple[str | None, ...]] = []
        if term.prefix:
            longer = [one for one in self._vocabulary.prefixed(word) if one != word]
            sources += self._sources(0, longer)
        for synonym in self._synonyms.get(term.parts or (word,), ()):
            sources.append(self._of_phrase(0, synonym))
            phrases.append(synonym)
        if typos:
            one, two = self._vocabulary.near(word, typos, prefix=term.prefix)
            sources += self._sources(1, one) + self._sources(2, two)
            words += one + two
        split = self._split(word)
        if split is not None and split != term.parts:
            sources.append(self._of_phrase(1, split))
            phrases.append(split)
        return Match(term, max(typos, 1), [one for one in sources if one.spots], words, phrases, typos > 0)

    def _sources(self, typos: int, words: Iterable[str]) -> list[Source]:
        """One source for many words: their spots together."""
        spots: list[Spot] = []
        for word in words:
            if typos and self._tolerance.is_exact_number(word):
                continue
            spots.extend(self._vocabulary.spots(word))
        if typos and self._exact_fields:
            spots = [place for place in spots if place >> 16 & 0xFFFF not in self._exact_fields]
        kept = self._within(spots)
        return [Source(typos, False, kept, spots)] if kept else []

    def _within(self, spots: Sequence[Spot]) -> Sequence[Spot]:
        fields = self._fields
        return spots if fields is None else [place for place in spots if place >> 16 & 0xFFFF in fields]

    def _spots(self, word: str | None) -> Sequence[Spot]:
        return () if word is None else self._within(self._vocabulary.spots(word))

    def _documents(self, words: Sequence[str | None]) -> set[int]:
        """The documents that have a phrase.

        The engine looks at three words at a time, each pair anywhere in the document, so it takes for a phrase what
        has its parts in different places; and where distances count by attribute, what has them in one attribute.
        """
        key = tuple(words)
        if key in self._phrases:
            return self._phrases[key]
        if len(words) == 2 and None not in words and self._by_word and self._fields is None:
            return self._phrases.setdefault(key, self._pair(str(words[0]), str(words[1])))
        found: set[int] | None = None
        for word in sorted({word for word in words if word is not None}, key=lambda one: len(self._spots(one))):
            held = {place >> 32 for place in self._spots(word)}
            found = held if found is None else found & held
        found = found or set()
        size = min(3, len(words))
        for start in range(len(words) - size + 1):
            window = words[start : start + size]
            for (at, one), (place, other) in combinations(enumerate(window), 2):
                if one is not None and other is not None and found:
                    found &= self._side_by_side(one, other, place - at, found)
        self._phrases[key] = found
        return found

    def _pair(self, left: str, right: str) -> set[int]:
        """The documents that have one word right before another."""
        lefts, rights = self._vocabulary.spots(left), self._vocabulary.spots(right)
        if len(lefts) <= len(rights):
            ends = {place + 1 for place in lefts if place & 0xFFFF != 0xFFFF}
            return {place >> 32 for place in rights if place in ends}
        starts = {place - 1 for place in rights if place & 0xFFFF}
        return {place >> 32 for place in lefts if place in starts}

    def _side_by_side(self, left: str, right: str, most: int, documents: set[int]) -> set[int]:
        """Which of some documents have one word at most so far before another."""
        lefts = {place for place in self._vocabulary.spots(left) if place >> 32 in documents}
        rights = [place for place in self._vocabulary.spots(right) if place >> 32 in documents]
        if not self._by_word:
            fields = {place >> 16 for place in lefts}
            return {place >> 32 for place in rights if place >> 16 in fields}
        return {
            place >> 32
            for place in rights
            if any(place - far in lefts for far in range(1, most + 1) if place & 0xFFFF >= far)
        }

    def _split(self, word: str) -> tuple[str, str] | None:
        """A word as the two words that stand most often side by side."""
        best: tuple[str, str] | None = None
        most = 0
        for at in range(1, len(word)):
            pair = word[:at], word[at:]
            if pair[0] in self._vocabulary and pair[1] in self._vocabulary:
                often = len(self._documents(pair))
                if often > most:
                    best, most = pair, often
        return best


def _synonyms(settings: dict[str, list[str]], textual: Textual) -> dict[tuple[str, ...], list[tuple[str, ...]]]:
    """The synonyms by the normal words of what they replace."""

    def words(text: str) -> tuple[str, ...]:
        return tuple(token.lemma for token in textual.tokenizer.tokens(text) if token.kind == "word")

    known: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for text, others in settings.items():
        if key := words(text):
            known.setdefault(key, []).extend(phrase for other in others if (phrase := words(other)))
    return known
