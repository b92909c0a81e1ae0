"""The last of the usual rules: documents that say just what the query says."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from scrypath_celery.embedded.search.matching import Match
from scrypath_celery.embedded.search.paths import Costs, Path
from scrypath_celery.embedded.search.rules import Bucket, ByCost, Detail, Rank
from scrypath_celery.embedded.search.textual import Textual

_KINDS = (("exactMatch", 3), ("matchesStart", 2), ("noExactMatch", 1))


class ExactAttribute:
    """An attribute that is the query first, then one that begins with it, then the others."""

    def __init__(self, textual: Textual) -> None:
        self._textual = textual

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """At most three parts."""
        whole: set[int] = set()
        start: set[int] = set()
        for path, slots in bucket.ways:
            if path is not None:
                self._sort_out(path, slots, whole, start)
        start -= whole
        rest = set(bucket.slots) - whole - start
        for (name, rank), slots in zip(_KINDS, (whole, start, rest), strict=True):
            if slots:
                yield Rank("exactness", rank, 3, {"matchType": name}), bucket.only(slots)

    def _sort_out(self, path: Path, slots: AbstractSet[int], whole: set[int], start: set[int]) -> None:
        exact = [match for match in path.matches if any(source.exact and source.spots for source in match.sources)]
        numbers = [match.term.number for match in exact]
        if numbers != list(range(len(numbers))) or not exact:
            return
        size = sum(len(match.term.words) for match in exact)
        begins = frozenset[int].intersection(*(_beginning(match, slots) for match in exact))
        for place in begins:
            slot = place >> 16
            (whole if self._textual.length(slot, place & 0xFFFF) == size else start).add(slot)


def _beginning(match: Match, slots: AbstractSet[int]) -> frozenset[int]:
    """The fields (slot and number in one) where the term stands at its place in the query."""
    position = match.term.position
    found: set[int] = set()
    for source in match.sources:
        if source.exact:
            found.update([place >> 16 for place in source.spots if place & 0xFFFF == position and place >> 32 in slots])
    return frozenset(found)


def exact_words() -> ByCost:
    """More words that stand there just as written first."""

    def price(path: Path, slots: AbstractSet[int]) -> Costs:
        left: dict[int, int] = {}
        for match in path.matches:
            for slot in match.exact(slots):
                left[slot] = left.get(slot, path.size) - match.term.size
        return Costs(path.size, left)

    return ByCost("exactWords", price, lambda path: path.size)
