"""The ranking rules: each splits documents that rank alike so far into better and worse ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol

from .matching import Match
from .paths import Costs, Level, Path, typos_of
from .textual import Textual

FAR = 4  # words that are further apart, or in different attributes, are all as far
_FARTHEST_STEPS = ((0, 0), (1, 1), (4, 2), (7, 3), (11, 4), (16, 5), (24, 6), (64, 7), (256, 8), (1024, 9))
_WORST_POSITION = 10
_FAR_OUT = 2_100  # from here on every place costs the most


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
    """What a document has by a rule that sorts by a value: no score, but an order across indexes (`key`).

    `attribute` is whose values they are; "" for distances.
    """

    name: str
    key: tuple[Any, ...]
    ascending: bool
    facts: Mapping[str, Any]
    attribute: str = ""


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

    def __init__(self, levels: list[Level], phrased: int) -> None:
        """`phrased` is the number of words in phrases, which count one by one."""
        self._levels = levels
        self._most = len(levels) + max(0, phrased - 1)

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """One part for each number of words that are fulfilled."""
        slots = bucket.slots
        for place, level in enumerate(self._levels):
            part = Bucket(tuple((path, kept) for path, own in level.ways if (kept := own & slots)))
            if part.ways:
                held = self._most - place
                yield Rank("words", held, self._most, {"matchingWords": held, "maxMatchingWords": self._most}), part


Price = Callable[[Path, AbstractSet[int]], Costs]


class ByCost:
    """Documents of lower cost first; the cost depends on the path. `worst` is the highest that a path can cost."""

    def __init__(
        self, name: str, price: Price, worst: Callable[[Path], int], facts: tuple[str, str] | None = None
    ) -> None:
        self._name, self._price, self._worst, self._facts = name, price, worst, facts

    def split(self, bucket: Bucket) -> Iterator[tuple[Detail, Bucket]]:
        """One part for each cost."""
        parts: dict[int, list[tuple[Path | None, AbstractSet[int]]]] = defaultdict(list)
        worst = 0
        for path, slots in bucket.ways:
            if path is None:
                parts[0].append((path, slots))
                continue
            worst = max(worst, self._worst(path))
            if not slots:
                continue
            for cost, own in _grouped(self._price(path, slots), slots).items():
                parts[cost].append((path, own))
        worst = max([worst, *parts])
        for cost in sorted(parts):
            told = {} if self._facts is None else {self._facts[0]: cost, self._facts[1]: worst}
            yield Rank(self._name, worst - cost + 1, worst + 1, told), Bucket(tuple(parts[cost]))


def _grouped(costs: Costs, slots: AbstractSet[int]) -> dict[int, AbstractSet[int]]:
    groups: dict[int, set[int]] = defaultdict(set)
    for slot, cost in costs.unusual.items():
        groups[cost].add(slot)
    if len(costs.unusual) < len(slots):
        groups[costs.usual] |= slots - costs.unusual.keys()
    return dict(groups)


def typo() -> Rule:
    """Fewer typos first."""

    def worst(path: Path) -> int:
        return sum(match.most_typos + match.term.glued for match in path.matches)

    return ByCost("typo", typos_of, worst, ("typoCount", "maxTypoCount"))


def proximity(by_word: bool, *, best: bool) -> Rule:
    """Words closer together first; `by_word` is False where only their being in one attribute counts.

    `best` is whether the rule for typos came before, so that in each document only the best matches count.
    """

    def price(path: Path, slots: AbstractSet[int]) -> Costs:
        base = sum(match.term.size - 1 for match in path.matches)
        pairs = _neighbours(path)
        if not pairs:
            return Costs(base, {})
        total = dict.fromkeys(slots, base)
        for left, right in pairs:
            near = _distances(left, right, slots, by_word=by_word, best=best)
            for slot in slots:
                total[slot] += near.get(slot, FAR - 1)
        return Costs(base, total)

    def worst(path: Path) -> int:
        return (FAR - 1) * len(_neighbours(path)) + sum(match.term.size - 1 for match in path.matches)

    return ByCost("proximity", price, worst)


def _neighbours(path: Path) -> list[tuple[Match, Match]]:
    """The pairs of matches whose words follow each other in the query; what was left out between others parts them."""
    pairs = pairwise(path.matches)
    return [(left, right) for left, right in pairs if left.term.end + 1 == right.term.position]


def _distances(left: Match, right: Match, slots: AbstractSet[int], *, by_word: bool, best: bool) -> dict[int, int]:
    """How far the two stand apart in each document where that is not too far: 0 for words side by side.

    Words may stand the other way round, which is one farther. Not so if one of them is a phrase; then it is the last
    word of the left one and the first of the right one that count, wherever in the document they stand.
    """
    near: dict[int, int] = {}
    for left_words, left_phrase in left.tails(slots, best=best):
        if not left_words:
            continue
        places: dict[int, list[int]] = defaultdict(list)
        for place in left_words:
            places[place >> 32].append(place & 0xFFFFFFFF)
        for right_words, right_phrase in right.heads(slots, best=best):
            both = not (left_phrase or right_phrase)
            for place in right_words:
                slot = place >> 32
                if slot in places:
                    far = _nearest(places[slot], place & 0xFFFFFFFF, both=both, by_word=by_word)
                    if far < near.get(slot, FAR - 1):
                        near[slot] = far
    return near


def _nearest(lefts: list[int], right: int, *, both: bool, by_word: bool) -> int:
    best = FAR - 1
    for left in lefts:
        if left >> 16 != right >> 16:
            continue
        if not by_word:
            return 0
        far = right - left
        if far > 0:
            best = min(best, far - 1)
        elif far < 0 and both:
            best = min(best, -far)
    return best


def attribute_rank(textual: Textual, *, best: bool) -> Rule:
    """Words in attributes that count more first; `best` as for `proximity`."""
    weights = textual.weights
    highest = textual.highest_weight()

    def price(path: Path, slots: AbstractSet[int]) -> Costs:
        if not highest:
            return Costs(0, {})
        tables = [[weight * match.term.size for weight in weights] for match in path.matches]
        return _cheapest(path, slots, tables, highest, shift=16, best=best)

    return ByCost("attributeRank", price, lambda path: highest * path.size)


def word_position(*, best: bool) -> Rule:
    """Words near the place that they have in the query first; `best` as for `proximity`."""

    def price(path: Path, slots: AbstractSet[int]) -> Costs:
        tables = [_position_costs(match.term.position, match.term.size) for match in path.matches]
        return _cheapest(path, slots, tables, _WORST_POSITION, shift=0, best=best)

    return ByCost("wordPosition", price, lambda path: _WORST_POSITION * path.size)


def _cheapest(
    path: Path, slots: AbstractSet[int], tables: Sequence[Sequence[int]], worst: int, *, shift: int, best: bool
) -> Costs:
    """For each document the sum over the terms of the cheapest place, by a table of fields or of positions."""
    bests: list[dict[int, int]] = []
    for match, prices in zip(path.matches, tables, strict=True):
        last, dearest = len(prices), worst * match.term.size
        cheapest: dict[int, int] = {}
        for place in match.spots(slots, best=best, everywhere=not shift):
            slot, index = place >> 32, place >> shift & 0xFFFF
            price = prices[index] if index < last else dearest
            if slot not in cheapest or price < cheapest[slot]:
                cheapest[slot] = price
        bests.append(cheapest)
    if len(bests) == 1:
        return Costs(worst * path.size, bests[0])
    return Costs(0, {slot: sum(one[slot] for one in bests) for slot in slots})


@lru_cache(maxsize=64)
def _position_costs(position: int, size: int) -> tuple[int, ...]:
    """The cost of each place in a text for a word that stands at `position` of the query."""
    return tuple(sum(_step(abs(blurred(place) - position) + i) for i in range(size)) for place in range(_FAR_OUT))


def blurred(place: int) -> int:
    """The engine keeps the first sixteen places apart and the later ones by powers of two."""
    if place < 16:
        return place
    return 24 if place < 24 else 1 << (place - 1).bit_length()


def _step(far: int) -> int:
    return next((cost for limit, cost in _FARTHEST_STEPS if far <= limit), _WORST_POSITION)
