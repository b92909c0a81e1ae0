"""The words of an index: where each stands, which begin with a prefix, which are a typo or two away from another."""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

# The engine's own bounds of how many words a typo may lead to.
MOST_ONE_TYPO = 150
MOST_TWO_TYPOS = 50
_LAST = "\U0010ffff"
_FEW = 16
_NONE: tuple[int, ...] = ()

Spot = int  # slot << 32 | field << 16 | position


def spot(slot: int, field: int, position: int) -> Spot:
    """Where a word stands, as one number that sorts by slot, field and position."""
    return slot << 32 | field << 16 | position


class Vocabulary:
    """An inverted index: for each word the sorted spots where it stands.

    A word that stands once takes one int; others an array of 8 bytes a spot.
    """

    def __init__(self) -> None:
        self._spots: dict[str, int | array[int]] = {}
        self._words: list[str] = []
        self._unsorted: set[str] = set()
        self._empty: set[str] = set()

    def __contains__(self, word: object) -> bool:
        return word in self._spots and word not in self._empty

    def spots(self, word: str) -> Sequence[Spot]:
        """Where a word stands."""
        held = self._spots.get(word)
        if held is None:
            return _NONE
        return (held,) if isinstance(held, int) else held

    def add(self, word: str, place: Spot) -> None:
        """Note a word of a document when many are taken in at once; `settle` makes them ready to be asked for."""
        held = self._spots.get(word)
        if held is None:
            self._spots[word] = place
        elif isinstance(held, int):
            self._spots[word] = array("Q", (held, place) if held < place else (place, held))
        else:
            if place < held[-1]:
                self._unsorted.add(word)
            held.append(place)

    def settle(self) -> None:
        """Put in order what was added."""
        for word in self._unsorted:
            self._spots[word] = array("Q", sorted(self.spots(word)))
        self._unsorted.clear()
        self._words = sorted(self._spots)

    def change(self, removed: dict[str, set[Spot]], added: dict[str, set[Spot]]) -> None:
        """Take out and put in the spots of some words."""
        fresh = []
        for word in removed.keys() | added.keys():
            gone, come = removed.get(word, set()), added.get(word, set())
            if word not in self._spots:
                fresh.append(word)
            self._replace(word, gone - come, come - gone)
        if len(fresh) > _FEW:
            self._words.extend(fresh)
            self._words.sort()
        else:
            for word in fresh:
                insort(self._words, word)
        if 2 * len(self._empty) > len(self._words):
            for word in self._empty:
                del self._spots[word]
            self._empty.clear()
            self._words = sorted(self._spots)

    def _replace(self, word: str, gone: set[Spot], come: set[Spot]) -> None:
        held = self.spots(word)
        if isinstance(held, array) and len(gone) + len(come) <= _FEW:
            for place in gone:
                del held[bisect_left(held, place)]
            for place in come:
                insort(held, place)
        else:
            held = array("Q", sorted(set(held) - gone | come))
        self._spots[word] = held[0] if len(held) == 1 else held
        # A word without spots stays for a while: the next document may bring it back, and the others need not move.
        if held:
            self._empty.discard(word)
        else:
            self._empty.add(word)

    def prefixed(self, prefix: str) -> Iterator[str]:
        """The words that begin with `prefix`, itself included, in order."""
        low, high = self._range(prefix)
        return iter(self._words[low:high])

    def _range(self, prefix: str) -> tuple[int, int]:
        low = bisect_left(self._words, prefix)
        return low, bisect_left(self._words, prefix + _LAST, low)

    def near(self, word: str, typos: int, *, prefix: bool) -> tuple[list[str], list[str]]:
        """The words one and two typos away from `word` (with `prefix`: that begin with something so near).

        A typo on the first letter counts as two; swapped neighbours are one typo.
        """
        one, two = set(), set()
        low, high = self._range(word[0])
        same = self._words[low:high]
        for candidate, distance in close(word, same, typos, prefix=prefix).items():
            if distance == 1:
                one.add(candidate)
            elif distance == 2:
                two.add(candidate)
        if typos == 2:
            two.update(self._other_beginnings(word, prefix=prefix))
        return sorted(one - self._empty)[:MOST_ONE_TYPO], sorted(two - self._empty)[:MOST_TWO_TYPOS]

    def _other_beginnings(self, word: str, *, prefix: bool) -> Iterator[str]:
        tails = {word[1:], word[1] + word[0] + word[2:]}
        tails |= {letter + rest for letter in self._first_letters() for rest in (word, word[1:])}
        for tail in tails:
            if tail[0] == word[0]:
                continue
            if prefix:
                yield from self.prefixed(tail)
            elif tail in self._spots:
                yield tail

    def _first_letters(self) -> Iterator[str]:
        at = 0
        while at < len(self._words):
            letter = self._words[at][0]
            yield letter
            at = bisect_left(self._words, letter + _LAST, at)


def close(word: str, candidates: Sequence[str], typos: int, *, prefix: bool) -> dict[str, int]:
    """Which candidates are at most `typos` away from `word`, each with its distance.

    With `prefix` it is the distance of the nearest of their beginnings; the candidates must then be sorted.
    """
    lengths = range(len(word) - typos, len(word) + typos + 1)
    if not prefix:
        fitting = [one for one in candidates if len(one) in lengths]
        return {found: far for found, far, _ in _within(word, fitting, typos)}
    near: dict[str, int] = {}
    for length in lengths:
        beginnings = {one[:length] for one in candidates if len(one) >= length}
        for beginning, far, _ in _within(word, beginnings, typos):
            low = bisect_left(candidates, beginning)
            high = bisect_left(candidates, beginning + _LAST, low)
            for one in candidates[low:high]:
                near[one] = min(near.get(one, typos), far)
    return near


def _within(word: str, candidates: Iterable[str], typos: int) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = extract(
        word, list(candidates), scorer=OSA.distance, score_cutoff=typos, limit=None
    )
    return found
