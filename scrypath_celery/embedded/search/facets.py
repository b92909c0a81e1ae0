"""How often each value of an attribute occurs among documents, and the search for such values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush
from typing import Any

from ..refusal import Refusal
from .column import Column, facet_normal
from .fields import facet_text, fits, found, names
from .forms import Forms
from .tokens import normal
from .tolerance import Tolerance
from .vocabulary import close

_GROUPED = 20  # so many values have a level of groups above them
_FEW = 3_000  # among no more documents the engine sorts numbers as the texts that they are shown as


def counted(column: Column, slots: AbstractSet[int]) -> Counter[str | float]:
    """How many of the documents hold each value."""
    counts: Counter[str | float] = Counter()
    for slot in slots:
        for value in set(column.values(slot)):
            counts[value] += 1
    return counts


def facets(
    forms: Forms, patterns: list[str], slots: AbstractSet[int], *, most: int | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`facetDistribution` and `facetStats` of some documents."""
    limit = forms.settings["faceting"]["maxValuesPerFacet"] if most is None else most
    distribution, stats = {}, {}
    for attribute in sorted(attributes(forms, patterns)):
        column = forms.column(attribute)
        counts = counted(column, slots)
        few = len(slots) <= _FEW
        ordered = _cut(
            _ordered(counts, forms, attribute, few=few), limit, exactly=few and not by_count(forms, attribute)
        )
        distribution[attribute] = _shown(forms, column, ordered, slots)
        numbers = [value for value in counts if not isinstance(value, str)]
        if numbers:
            stats[attribute] = {"min": min(numbers), "max": max(numbers)}
    return distribution, stats


def _cut(counts: list[tuple[str | float, int]], limit: int, *, exactly: bool) -> list[tuple[str | float, int]]:
    """The first values; as in the engine there is no end of texts where the numbers alone are as many as that."""
    numbers = sum(not isinstance(value, str) for value, _ in counts)
    if exactly or numbers < limit:
        return counts[:limit]
    return counts[:limit] + counts[numbers:] if limit else counts


def _shown(
    forms: Forms, column: Column, counts: list[tuple[str | float, int]], slots: AbstractSet[int]
) -> dict[str, int]:
    """The values as they are written in the first of the documents that holds them."""
    wanted = {value for value, _ in counts if isinstance(value, str) and value in column.spelling}
    spelled: dict[str | float, str] = {}
    for slot in sorted(slots) if wanted else ():
        here = wanted.intersection(column.values(slot))
        if here:
            spelled.update(spellings(forms, column.attribute, slot, here))
            wanted -= here
            if not wanted:
                break
    return {
        spelled.get(value, value) if isinstance(value, str) else facet_text(value): count for value, count in counts
    }


def spellings(forms: Forms, attribute: str, slot: int, wanted: AbstractSet[Any]) -> dict[str | float, str]:
    """How one document writes some of its values."""
    spelled: dict[str | float, str] = {}

    def look(place: Any) -> None:
        if isinstance(place, str):
            plain = facet_normal(place)
            if plain in wanted:
                spelled[plain] = place
        elif isinstance(place, list):
            for one in place:
                look(one)

    for place in found(forms.store.document(slot), attribute):
        look(place)
    return spelled


def check_facets(forms: Forms, patterns: list[str], *, code: str = "invalid_search_facets") -> None:
    """Refuse with `code` what is not filterable."""
    for one in patterns:
        if not forms.filterable.touches(one):
            known = forms.filterable.patterns()
            available = (
                f"Available filterable attributes patterns are: `{', '.join(known)}`."
                if known
                else "This index does not have configured filterable attributes."
            )
            raise Refusal(code, f"Invalid facet distribution: Pattern `{one}` is not filterable. {available}")


def attributes(forms: Forms, patterns: list[str]) -> set[str]:
    """The fields that documents have, that some patterns mean and that may be filtered: those inside objects too."""
    wanted: set[str] = set()
    for pattern in patterns:
        if "*" in pattern:
            named = forms.filterable.names()
            every = named is None
            candidates = set(forms.paths.names) if every else {path for one in named or () for path in _of(forms, one)}
        else:
            candidates = _of(forms, pattern)
        meant = {one for one in candidates if fits(pattern, one) and forms.filterable.allows(one)}
        wanted |= meant
        wanted.update(
            one for one in candidates if forms.filterable.allows(one) and any(names(own, one) for own in meant)
        )
    return wanted


def _of(forms: Forms, attribute: str) -> set[str]:
    """A field, if there is one of that name, and those inside it."""
    column = forms.column(attribute)
    known = column.any() or forms.knows(attribute) or bool(column.nested)
    return {attribute, *column.nested} if known else set()


def by_count(forms: Forms, attribute: str) -> bool:
    """Whether the settings order the values of this attribute by how often they occur."""
    rules: dict[str, str] = forms.settings["faceting"]["sortFacetValuesBy"]
    fitting = [order for pattern, order in rules.items() if pattern != "*" and fits(pattern, attribute)]
    return (fitting[0] if fitting else rules.get("*", "alpha")) == "count"


def _most_frequent(counts: dict[Any, int], values: list[Any]) -> list[tuple[Any, int]]:
    """The counts, the highest first; those that are as high come in the order of the engine's tree of all `values`.

    It has groups of four, above them groups of four groups and so on, and looks into the group that has the most
    documents, of several the last.
    """
    levels: list[list[tuple[int, int]]] = [[(place, place + 1) for place in range(len(values))]]
    while len(levels[-1]) >= _GROUPED:
        below = levels[-1]
        levels.append([(part[0][0], part[-1][1]) for part in (below[at : at + 4] for at in range(0, len(below), 4))])

    def entry(level: int, span: tuple[int, int]) -> tuple[int, int, int, tuple[int, int]]:
        # The documents of a group are counted once each, which for values that exclude each other is their sum.
        return -sum(counts.get(value, 0) for value in values[span[0] : span[1]]), level, -span[0], span

    heap = [entry(len(levels) - 1, span) for span in levels[-1]]
    heapify(heap)
    found: list[tuple[Any, int]] = []
    while heap:
        count, level, _, span = heappop(heap)
        if not count:
            continue
        if not level:
            found.append((values[span[0]], -count))
            continue
        for inner in levels[level - 1]:
            if span[0] <= inner[0] < span[1]:
                heappush(heap, entry(level - 1, inner))
    return found


def _ordered(
    counts: Counter[str | float], forms: Forms, attribute: str, *, few: bool = False
) -> list[tuple[str | float, int]]:
    count_first = by_count(forms, attribute)
    numbers = [(value, count) for value, count in counts.items() if not isinstance(value, str)]
    texts = [(value, count) for value, count in counts.items() if isinstance(value, str)]
    if count_first:
        order = forms.column(attribute).sorted()
        numbers = _most_frequent(dict(numbers), list(dict.fromkeys(order.numbers)))
        texts = _most_frequent(dict(texts), list(dict.fromkeys(order.texts)))
    else:
        numbers.sort(key=lambda pair: facet_text(pair[0]) if few else pair[0])
        texts.sort()
    return [*numbers, *texts]


def values_like(forms: Forms, attribute: str, text: str | None, slots: AbstractSet[int]) -> list[dict[str, Any]]:
    """The values that begin as `text` says, or nearly so, with how many of the documents hold them.

    A value is taken as one word: what it has after a space is not looked at by itself.
    """
    column = forms.column(attribute)
    counts = counted(column, slots)
    for value in [value for value in counts if not isinstance(value, str)]:
        del counts[value]
    if text is None or by_count(forms, attribute):
        fitting = set(counts) if text is None else set(_fitting(counts, text, forms, attribute))
        ordered = _ordered(Counter({value: counts[value] for value in fitting}), forms, attribute)
    else:
        ordered = [(value, counts[value]) for value in _fitting(counts, text, forms, attribute)]
    ordered = ordered[: forms.settings["faceting"]["maxValuesPerFacet"]]
    shown = _shown(forms, column, ordered, forms.store.live())
    pairs = list(shown.items())
    if by_count(forms, attribute):  # as often: by how they are written, the last first
        pairs.sort(key=lambda pair: (pair[1], pair[0]), reverse=True)
    return [{"value": value, "count": count} for value, count in pairs]


def _fitting(counts: Counter[str | float], text: str, forms: Forms, attribute: str) -> list[str]:
    """The values that begin with a text, but for the typos that its length allows, in alphabetical order."""
    wanted = normal(text)
    plain = sorted((normal(value), value) for value in counts if isinstance(value, str))
    tolerance = Tolerance(forms.settings["typoTolerance"])
    if tolerance.is_exact_attribute(attribute):
        return [value for one, value in plain if one.startswith(wanted)]
    if tolerance.is_exact_word(wanted):
        return [value for one, value in plain if one == wanted]
    typos = tolerance.typos_of_length(len(wanted.encode()))
    near = set(close(wanted, [one for one, _ in plain], typos, prefix=True)) if typos else set()
    return [value for one, value in plain if one.startswith(wanted) or one in near]
