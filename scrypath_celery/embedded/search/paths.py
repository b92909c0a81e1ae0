"""The ways to fulfil a query: all its terms, fewer of them by the matching strategy, neighbours glued together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import combinations, groupby, islice

from .matching import Match, Matcher
from .query import Query, Term, glued

_LONGEST_GLUED = 3
_MOST_PATHS = 64
_MOST_CHOICES = 64
_ENDLESS = 2**64


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One way: what to match, in the order of the query."""

    matches: tuple[Match, ...]

    @property
    def size(self) -> int:
        """How many terms of the query this fulfils."""
        return sum(match.term.size for match in self.matches)


@dataclass(frozen=True, slots=True)
class Costs:
    """What documents cost by a rule: most of them `usual`, the others what `unusual` says."""

    usual: int
    unusual: Mapping[int, int]

    def of(self, slot: int) -> int:
        """The cost of one document."""
        return self.unusual.get(slot, self.usual)


@dataclass(frozen=True, slots=True)
class Level:
    """The documents that fulfil the same terms: `ways` holds them by the path that fits them; none is there twice."""

    ways: tuple[tuple[Path, set[int]], ...]


def levels(query: Query, matcher: Matcher, strategy: str, universe: AbstractSet[int]) -> list[Level]:
    """The documents of a query, those that fulfil more terms first.

    Where all terms are asked for, the ways that no document takes are kept, for the scale of the first rule.
    """
    found: list[Level] = []
    known: set[int] = set()
    every = strategy == "all"
    for choices in _shrinking(query.terms, matcher, strategy):
        ways = []
        for path in (path for terms in choices for path in _paths(terms, matcher, every=every)):
            slots: set[int] | None = None
            for match in sorted(path.matches, key=lambda one: len(one.slots)):
                slots = match.slots & universe if slots is None else slots & match.slots
            ways.append((path, (slots or set()) - known))
        level = Level(tuple(_disjoint(ways, every=every)))
        for _, slots in level.ways:
            known |= slots
        found.append(level)
    return found


def _disjoint(ways: list[tuple[Path, set[int]]], *, every: bool) -> Iterator[tuple[Path, set[int]]]:
    """Every document with the path that needs the fewest typos, the first of several."""
    if len(ways) == 1:
        yield from (way for way in ways if way[1] or every)
        return
    best: dict[int, tuple[int, int]] = {}
    for number, (path, slots) in enumerate(ways):
        costs = typos_of(path, slots)
        for slot in slots:
            cost = costs.of(slot)
            if slot not in best or cost < best[slot][0]:
                best[slot] = cost, number
    for number, (path, _) in enumerate(ways):
        own = {slot for slot, (_, chosen) in best.items() if chosen == number}
        if own or every:
            yield path, own


def typos_of(path: Path, slots: AbstractSet[int]) -> Costs:
    """How many typos each document needs for a path; words that had to be glued count as one each."""
    base = sum(match.term.glued for match in path.matches)
    more: dict[int, int] = {}
    for match in path.matches:
        for typos in (1, 2):
            for slot in match.levels[typos] & slots:
                more[slot] = more.get(slot, base) + typos
    return Costs(base, more)


def _paths(terms: tuple[Term, ...], matcher: Matcher, *, every: bool) -> list[Path]:
    """The ways to fulfil these terms: one by one, and with neighbours glued where such words exist (or `every`)."""
    found: list[Path] = []

    def extend(start: int, taken: tuple[Match, ...]) -> None:
        if len(found) >= _MOST_PATHS:
            return
        if start == len(terms):
            found.append(Path(taken))
            return
        for size in range(1, min(_LONGEST_GLUED, len(terms) - start) + 1):
            part = terms[start : start + size]
            term = part[0] if size == 1 else glued(part)
            if term is None:
                break
            match = matcher.match(term)
            if size == 1 or every or match.slots:
                extend(start + size, (*taken, match))

    extend(0, ())
    return found


def _shrinking(terms: tuple[Term, ...], matcher: Matcher, strategy: str) -> Iterator[list[tuple[Term, ...]]]:
    """All terms, then those that are left without one more, as choices. Phrases always stay.

    The words are given up in an order; to give one up means to give up those before it in that order, but as in the
    engine only where they come later in the query.
    """
    yield [terms]
    if strategy == "all":
        return
    words = [term for term in terms if not term.phrase]
    groups = [[term] for term in reversed(words)] if strategy == "last" else _by_frequency(terms, matcher)
    if len(words) == len(terms):
        groups = groups[:-1]
    order = {term: place for place, group in enumerate(groups) for term in group}
    needed = {
        term: {other for other in order if order[other] < order[term] and other.number > term.number} for term in order
    }
    for size in range(1, len(order) + 1):
        choices = (set(gone) for gone in combinations(order, size))
        allowed = (gone for gone in choices if all(needed[term] <= gone for term in gone))
        yield [tuple(term for term in terms if term not in gone) for gone in islice(allowed, _MOST_CHOICES)]


def _by_frequency(terms: tuple[Term, ...], matcher: Matcher) -> list[list[Term]]:
    """The words in the order in which they are given up: those of no document, then the most frequent ones.

    A word counts with what it is part of when it is glued to its neighbours.
    """
    often: dict[int, set[int]] = {at: set() for at in range(len(terms))}
    for start in range(len(terms)):
        for size in range(1, min(_LONGEST_GLUED, len(terms) - start) + 1):
            term = terms[start] if size == 1 else glued(terms[start : start + size])
            if term is not None:
                slots = matcher.match(term).slots
                for at in range(start, start + size):
                    often[at] |= slots
    order = sorted(often, key=lambda at: -(len(often[at]) or _ENDLESS))
    groups = [[terms[at] for at in group] for _, group in groupby(order, key=lambda at: len(often[at]))]
    words = [[term for term in group if not term.phrase] for group in groups]
    return [group for group in words if group]
