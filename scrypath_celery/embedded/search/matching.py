"""From the words of a query to the documents that hold them, or what is near enough."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from scrypath_celery.embedded.search.query import Term
from scrypath_celery.embedded.search.textual import Textual
from scrypath_celery.embedded.search.tokens import LONGEST
from scrypath_celery.embedded.search.tolerance import Tolerance
from scrypath_celery.embedded.search.vocabulary import Spot


@dataclass(frozen=True, slots=True)
class Source:
    """Words or phrases that a term may stand for: how many typos away, where they are, and whether just as written.

    A phrase also has where its first and its last word stand at all; these are empty for words.
    """

    typos: int
    exact: bool
    spots: Sequence[Spot]
    first: Sequence[Spot] = ()
    last: Sequence[Spot] = ()
    phrase: bool = False


@dataclass(slots=True)
class Match:
    """A term with everything in the index that it may stand for.

    `levels[n]` are the slots whose best match is `n` typos away. `words` and `phrases` are what to highlight.
    """

    term: Term
    most_typos: int
    sources: list[Source]
    words: list[str]
    phrases: list[tuple[str | None, ...]]
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

    def spots(self, slots: AbstractSet[int]) -> list[Spot]:
        """Where the term stands in these documents, in each by its best match."""
        found: list[Spot] = []
        wanted = [level & slots for level in self.levels]
        # Whatever a source without typos matches has no better match, so nothing needs to be left out.
        everything = len(wanted[0]) == len(self.levels[0])
        for source in self.sources:
            own = wanted[source.typos]
            if everything and source.typos == 0:
                found.extend(source.spots)
            elif own:
                found.extend([place for place in source.spots if place >> 32 in own])
        return found

    def tails(self, slots: AbstractSet[int]) -> Iterator[tuple[Iterable[Spot], bool]]:
        """Where the last word of what the term stands for is in these documents, and whether that ends a phrase."""
        return self._ends(slots, last=True)

    def heads(self, slots: AbstractSet[int]) -> Iterator[tuple[Iterable[Spot], bool]]:
        """The same for the first word."""
        return self._ends(slots, last=False)

    def _ends(self, slots: AbstractSet[int], *, last: bool) -> Iterator[tuple[Iterable[Spot], bool]]:
        wanted = [level & slots for level in self.levels]
        words: list[Spot] = []
        for source in self.sources:
            own = wanted[source.typos]
            if not own:
                continue
            if source.phrase:
                own = own.intersection([place >> 32 for place in source.spots])
                yield [place for place in (source.last if last else source.first) if place >> 32 in own], True
            else:
                words.extend([place for place in source.spots if place >> 32 in own])
        yield words, False

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
        return {place >> 32 for place in self._spots(words)}

    def _phrase(self, term: Term) -> Match:
        return Match(term, 0, [self._of_phrase(0, term.words, exact=True)], [], [term.words])

    def _of_phrase(self, typos: int, words: tuple[str | None, ...], *, exact: bool = False) -> Source:
        ends = [self._vocabulary.spots(word) if word is not None else () for word in (words[0], words[-1])]
        return Source(typos, exact, self._spots(words), ends[0], ends[1], True)

    def _word(self, term: Term) -> Match:
        word = term.word
        if len(word) > LONGEST:
            return Match(term, 1, [], [], [])
        typos = max(0, self._tolerance.typos(word) - (term.size - 1))
        exact = not term.parts
        sources = [Source(0, exact, self._spots((word,)))]
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
        return Match(term, max(typos, 1), [one for one in sources if one.spots], words, phrases)

    def _sources(self, typos: int, words: Iterable[str]) -> list[Source]:
        """One source for many words: their spots together."""
        spots: list[Spot] = []
        for word in words:
            if typos and self._tolerance.is_exact_number(word):
                continue
            spots.extend(self._vocabulary.spots(word))
        kept = self._within(spots)
        if typos and self._exact_fields:
            kept = [place for place in kept if place >> 16 & 0xFFFF not in self._exact_fields]
        return [Source(typos, False, kept)] if kept else []

    def _within(self, spots: Sequence[Spot]) -> Sequence[Spot]:
        fields = self._fields
        return spots if fields is None else [place for place in spots if place >> 16 & 0xFFFF in fields]

    def _spots(self, words: Sequence[str | None]) -> Sequence[Spot]:
        """Where a word stands, or where a phrase begins."""
        if len(words) == 1 and words[0] is not None:
            return self._within(self._vocabulary.spots(words[0]))
        found: set[Spot] | None = None
        rarest_first = sorted(
            ((at, word) for at, word in enumerate(words) if word is not None),
            key=lambda pair: len(self._vocabulary.spots(pair[1])),
        )
        for at, word in rarest_first:
            starts = (place - at for place in self._vocabulary.spots(word) if place & 0xFFFF >= at)
            found = set(starts) if found is None else found.intersection(starts)
            if not found:
                return ()
        return self._within(sorted(found or ()))

    def _split(self, word: str) -> tuple[str, str] | None:
        """A word as the two words that stand most often side by side."""
        best: tuple[str, str] | None = None
        most = 0
        for at in range(1, len(word)):
            pair = word[:at], word[at:]
            if pair[0] in self._vocabulary and pair[1] in self._vocabulary:
                often = len({place >> 32 for place in self._spots(pair)})
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
