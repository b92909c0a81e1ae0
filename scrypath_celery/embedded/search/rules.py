"""The ranking rules: each splits documents that rank alike so far into better and worse ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Protocol

from scrypath_celery.embedded.search.matching import Match
from scrypath_celery.embedded.search.paths import Level, Path, typos_of
from scrypath_celery.embedded.search.textual import Textual

FAR = 8
_FARTHEST_STEPS = ((0, 0), (1, 1), (4, 2), (7, 3), (11, 4), (16, 5), (24, 6), (64, 7), (256, 8), (1024, 9))
_WORST_POSITION = 10


@dataclass(frozen=True, slots=True)
class Rank:
    """How well a document does by one rule: `rank` of `of`, 1 being the worst. `facts` are told with the details."""

    name: str
    rank: int
    of: int
    facts: Mapping[str, Any]

    @property
    def score(self) -> float:
        """The rank as a number from 0 to 1."""
        return self.rank / self.of


@dataclass(frozen=True, slots=True)
class Placed:
    """What a document has by a rule that sorts by a value: no score, but an order across indexes (`key`)."""

    name: str
    key: tuple[Any, ...]
    ascending: bool
    facts: Mapping[str, Any]


Detail = Rank | Placed


@dataclass(frozen=True, slots=True)
class Bucket:
    """Documents that rank alike so far, by the way they fulfil the query (None: there are no words)."""

    ways: tuple[tuple[Path | None, AbstractSet[int]], ...]

    @property
    def slots(self) -> AbstractSet[int]:
        """All documents of the bucket."""
        return self.ways[0][1] if len(self.ways) == 1 else frozenset().union(*(slots for _, slots in self.ways))

    def only(self, slots: AbstractSet[int]) -> Bucket:
        """The part of the bucket with these documents."""
        return Bucket(tuple((path, kept) for path, own in self.ways if (kept := own & slots)))


class Rule(Protocol):
    """Splits a bucket, the best part first."""

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """The parts of a bucket with how they do by this rule."""


class Words:
    """More words of the query first."""

    def __init__(self, levels: list[Level], terms: int) -> None:
        self._levels, self._terms = levels, terms

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """One part for each number of words that are fulfilled."""
        slots = bucket.slots
        for level in self._levels:
            part = Bucket(tuple((path, kept) for path, own in level.ways if (kept := own & slots)))
            if part.ways:
                facts = {"matchingWords": level.size, "maxMatchingWords": self._terms}
                yield Rank("words", level.size, self._terms, facts), part


Costs = Callable[[Path, AbstractSet[int]], Mapping[int, int]]


class ByCost:
    """Documents of lower cost first; the cost depends on the path. `worst` is the highest that a path can cost."""

    def __init__(
        self, name: str, costs: Costs, worst: Callable[[Path], int], facts: tuple[str, str] | None = None
    ) -> None:
        self._name, self._costs, self._worst, self._facts = name, costs, worst, facts

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """One part for each cost."""
        parts: dict[int, dict[Path | None, set[int]]] = defaultdict(dict)
        worst = 0
        for path, slots in bucket.ways:
            if path is None:
                parts[0][path] = set(slots)
                continue
            worst = max(worst, self._worst(path))
            grouped: dict[int, set[int]] = defaultdict(set)
            for slot, cost in self._costs(path, slots).items():
                grouped[cost].add(slot)
            for cost, own in grouped.items():
                parts[cost][path] = own
        worst = max([worst, *parts])
        for cost in sorted(parts):
            told = {} if self._facts is None else {self._facts[0]: cost, self._facts[1]: worst}
            yield Rank(self._name, worst - cost + 1, worst + 1, told), Bucket(tuple(parts[cost].items()))


def typo() -> Rule:
    """Fewer typos first."""
    return ByCost(
        "typo",
        typos_of,
        lambda path: sum(max(match.most_typos, match.term.size > 1) for match in path.matches),
        ("typoCount", "maxTypoCount"),
    )


def proximity(by_word: bool) -> Rule:
    """Words closer together first; `by_word` is False where only their being in one attribute counts."""

    def costs(path: Path, slots: AbstractSet[int]) -> Mapping[int, int]:
        total = dict.fromkeys(slots, 0)
        if len(path.matches) < 2:
            return total
        places = [_places(match, slots) for match in path.matches]
        for left, right, match in zip(places, places[1:], path.matches, strict=False):
            step = len(match.term.words) if match.term.phrase else 1
            for slot in slots:
                total[slot] += _nearest(left[slot], right[slot], step, by_word)
        return total

    return ByCost("proximity", costs, lambda path: (FAR - 1) * (len(path.matches) - 1))


def _nearest(left: list[int], right: list[int], step: int, by_word: bool) -> int:
    best = FAR
    for one in left:
        for other in right:
            if one >> 16 != other >> 16:
                continue
            if not by_word:
                return 0
            far = other - one
            far = max(1, far - step + 1) if far > 0 else 1 - far
            best = min(best, far)
            if best == 1:
                return 0
    return best - 1


def _places(match: Match, slots: AbstractSet[int]) -> dict[int, list[int]]:
    """Field and position of a match by document."""
    places: dict[int, list[int]] = defaultdict(list)
    for place in match.spots(slots):
        places[place >> 32].append(place & 0xFFFFFFFF)
    return places


def attribute_rank(textual: Textual) -> Rule:
    """Words in attributes that count more first."""
    weights = textual.weights
    highest = textual.highest_weight()

    def costs(path: Path, slots: AbstractSet[int]) -> Mapping[int, int]:
        if not highest:
            return dict.fromkeys(slots, 0)
        return _cheapest(
            path, slots, highest, lambda match: [weight * match.term.size for weight in weights], by_field=True
        )

    return ByCost("attributeRank", costs, lambda path: highest * path.size)


def word_position() -> Rule:
    """Words near the place that they have in the query first."""

    def table(match: Match) -> list[int]:
        return _position_costs(match.term.position, match.term.size)

    def costs(path: Path, slots: AbstractSet[int]) -> Mapping[int, int]:
        return _cheapest(path, slots, _WORST_POSITION, table, by_field=False)

    return ByCost("wordPosition", costs, lambda path: _WORST_POSITION * path.size)


def _cheapest(
    path: Path, slots: AbstractSet[int], worst: int, table: Callable[[Match], list[int]], *, by_field: bool
) -> Mapping[int, int]:
    """For each document the sum over the terms of the cheapest place, by the table of fields or of positions."""
    total = dict.fromkeys(slots, 0)
    for match in path.matches:
        prices, dearest = table(match), worst * match.term.size
        shift, last = (16, len(prices) - 1) if by_field else (0, len(prices) - 1)
        best: dict[int, int] = {}
        for place in match.spots(slots):
            slot, index = place >> 32, place >> shift & 0xFFFF
            price = prices[index] if index <= last else dearest
            if price < best.get(slot, dearest + 1):
                best[slot] = price
        for slot, price in best.items():
            total[slot] += price
    return total


def _position_costs(position: int, size: int) -> list[int]:
    """The cost of each place in a text for a word that stands at `position` of the query."""
    return [sum(_step(abs(_blurred(place) - position) + i) for i in range(size)) for place in range(2100)]


def _blurred(place: int) -> int:
    """The engine keeps the first sixteen places apart and the later ones by powers of two."""
    if place < 16:
        return place
    return 24 if place < 24 else 1 << (place - 1).bit_length()


def _step(far: int) -> int:
    return next((cost for limit, cost in _FARTHEST_STEPS if far <= limit), _WORST_POSITION)
