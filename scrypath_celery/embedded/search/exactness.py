"""The last of the usual rules: documents that say just what the query says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from scrypath_celery.embedded.search.matching import Match
from scrypath_celery.embedded.search.paths import Path
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
        fields: dict[int, set[int]] | None = None
        for match in exact:
            here = _starting(match, slots)
            if fields is None:
                fields = here
            else:
                fields = {slot: both for slot, own in fields.items() if (both := own & here.get(slot, set()))}
        for slot, own in (fields or {}).items():
            if any(self._textual.length(slot, field) == size for field in own):
                whole.add(slot)
            else:
                start.add(slot)


def _starting(match: Match, slots: AbstractSet[int]) -> dict[int, set[int]]:
    """For each document the fields where the term stands at its place in the query."""
    found: dict[int, set[int]] = {}
    for source in match.sources:
        if source.exact:
            for place in source.spots:
                if place & 0xFFFF == match.term.position and place >> 32 in slots:
                    found.setdefault(place >> 32, set()).add(place >> 16 & 0xFFFF)
    return found


def exact_words() -> ByCost:
    """More words that stand there just as written first."""

    def costs(path: Path, slots: AbstractSet[int]) -> Mapping[int, int]:
        total = dict.fromkeys(slots, len(path.matches))
        for match in path.matches:
            for slot in match.exact(slots):
                total[slot] -= 1
        return total

    return ByCost("exactWords", costs, lambda path: len(path.matches))
