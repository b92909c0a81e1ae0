"""The last of the usual rules: documents that say just what the query says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet

from .paths import Path
from .query import Term
from .rules import Bucket, Detail, Rank, blurred
from .textual import Textual

_UNCOUNTED = 255  # the engine counts no longer fields
_KINDS = (("exactMatch", 3), ("matchesStart", 2), ("noExactMatch", 1))


class ExactAttribute:
    """An attribute that is the query first, then one that begins with it, then the others."""

    def __init__(self, textual: Textual, fields: Collection[int] | None, *, best: bool) -> None:
        """`fields` are those that are searched, None for all; `best` is whether the rule for typos came before."""
        self._textual, self._fields, self._best = textual, fields, best

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """At most three parts."""
        whole: set[int] = set()
        start: set[int] = set()
        for path, slots in bucket.ways:
            if path is not None:
                for terms, own in _as_written(path, slots, best=self._best):
                    self._sort_out(terms, own, whole, start)
        start -= whole
        rest = set(bucket.slots) - whole - start
        for (name, rank), slots in zip(_KINDS, (whole, start, rest), strict=True):
            if slots:
                yield Rank("exactness", rank, 3, {"matchType": name}), bucket.only(slots)

    def _sort_out(self, terms: Sequence[Term], slots: AbstractSet[int], whole: set[int], start: set[int]) -> None:
        """Find the documents that have the terms where the query has them, and all of them in one field.

        As in the engine the places may be those of another field. Terms after one that is missing do not count.
        """
        if [term.number for term in terms] != list(range(len(terms))) or not terms:
            return
        size = sum(term.extent for term in terms)
        fields: dict[int, set[int]] | None = None
        for term in terms:
            for offset, word in enumerate(term.words):
                if word is None:
                    continue
                place = blurred(term.position + offset)
                placed: set[int] = set()
                held: dict[int, set[int]] = defaultdict(set)
                for spot in self._textual.vocabulary.spots(word):
                    slot = spot >> 32
                    if slot in slots and (fields is None or slot in fields):
                        if blurred(spot & 0xFFFF) == place:
                            placed.add(slot)
                        held[slot].add(spot >> 16 & 0xFFFF)
                fields = {slot: held[slot] if fields is None else held[slot] & fields[slot] for slot in placed}
        for slot, numbers in (fields or {}).items():
            searched = numbers if self._fields is None else numbers.intersection(self._fields)
            for number in searched:
                (whole if self._textual.length(slot, number) == size < _UNCOUNTED else start).add(slot)


def _as_written(path: Path, slots: AbstractSet[int], *, best: bool) -> Iterator[tuple[list[Term], AbstractSet[int]]]:
    """The terms of a path that are words of the index; with `best` only where the document needs no typo for them."""
    matches = [match for match in path.matches if any(source.exact and source.spots for source in match.sources)]
    doubtful = [match for match in matches if best and not slots <= match.levels[0]]
    if not doubtful:
        yield [match.term for match in matches], slots
        return
    groups: dict[tuple[bool, ...], set[int]] = defaultdict(set)
    for slot in slots:
        groups[tuple(slot in match.levels[0] for match in doubtful)].add(slot)
    for fits, own in groups.items():
        wrong = {match.term for match, fit in zip(doubtful, fits, strict=True) if not fit}
        yield [match.term for match in matches if match.term not in wrong], own


class ExactWords:
    """More words that stand there just as written first; for the rules after it these stand for nothing else."""

    def __init__(self, *, last: bool) -> None:
        """`last` is whether no rule comes after it."""
        self._last = last

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """One part for each number of words."""
        parts: dict[int, list[tuple[Path | None, AbstractSet[int]]]] = defaultdict(list)
        worst = 0
        for path, slots in bucket.ways:
            if path is None:
                parts[0].append((path, slots))
                continue
            worst = max(worst, path.size)
            for exact, own in _exactly(path, slots).items():
                left = path.size - sum(path.matches[place].term.size for place in exact)
                parts[left].append((path if self._last else _narrowed(path, exact), own))
        worst = max([worst, *parts])
        for left in sorted(parts):
            yield Rank("exactWords", worst - left + 1, worst + 1, {}), Bucket(tuple(parts[left]))


def _narrowed(path: Path, exact: tuple[int, ...]) -> Path:
    return Path(tuple(one.exactly() if place in exact else one for place, one in enumerate(path.matches)))


def _exactly(path: Path, slots: AbstractSet[int]) -> dict[tuple[int, ...], set[int]]:
    """The documents by the places of the terms that they have just as written."""
    if len(path.matches) == 1:
        found = path.matches[0].exact(slots)
        return {exact: own for exact, own in (((0,), found), ((), set(slots) - found)) if own}
    held: dict[int, tuple[int, ...]] = dict.fromkeys(slots, ())
    for place, match in enumerate(path.matches):
        for slot in match.exact(slots):
            held[slot] = (*held[slot], place)
    groups: dict[tuple[int, ...], set[int]] = defaultdict(set)
    for slot, exact in held.items():
        groups[exact].add(slot)
    return groups
