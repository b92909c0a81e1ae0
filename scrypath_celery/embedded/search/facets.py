"""How often each value of an attribute occurs among documents, and the search for such values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from typing import Any

from scrypath_celery.embedded.search.column import Column
from scrypath_celery.embedded.search.fields import fits, number_text
from scrypath_celery.embedded.search.forms import Forms
from scrypath_celery.embedded.search.tokens import normal
from scrypath_celery.embedded.search.tolerance import Tolerance
from scrypath_celery.embedded.search.vocabulary import close


def counted(column: Column, slots: AbstractSet[int]) -> Counter[str | float]:
    """How many of the documents hold each value."""
    counts: Counter[str | float] = Counter()
    for slot in slots:
        for value in set(column.values(slot)):
            counts[value] += 1
    return counts


def text_of(value: str | float, column: Column) -> str:
    """A value as facets show it: texts as they were first written."""
    return column.spelling.get(value, value) if isinstance(value, str) else number_text(value)


def facets(
    forms: Forms, attributes: list[str], slots: AbstractSet[int], *, most: int | None = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """`facetDistribution` and `facetStats` of some documents."""
    limit = forms.settings["faceting"]["maxValuesPerFacet"] if most is None else most
    distribution, stats = {}, {}
    for attribute in sorted(set(attributes)):
        column = forms.column(attribute)
        counts = counted(column, slots)
        shown = [(text_of(value, column), count) for value, count in _ordered(counts, forms, attribute)[:limit]]
        distribution[attribute] = dict(shown)
        numbers = [value for value in counts if not isinstance(value, str)]
        if numbers:
            stats[attribute] = {"min": min(numbers), "max": max(numbers)}
    return distribution, stats


def by_count(forms: Forms, attribute: str) -> bool:
    """Whether the settings order the values of this attribute by how often they occur."""
    rules: dict[str, str] = forms.settings["faceting"]["sortFacetValuesBy"]
    fitting = [order for pattern, order in rules.items() if pattern != "*" and fits(pattern, attribute)]
    return (fitting[0] if fitting else rules.get("*", "alpha")) == "count"


def _ordered(counts: Counter[str | float], forms: Forms, attribute: str) -> list[tuple[str | float, int]]:
    count_first = by_count(forms, attribute)
    ordered: list[tuple[str | float, int]] = []
    for kind in (float, str):
        own = [pair for pair in counts.items() if isinstance(pair[0], kind)]
        # Among values that occur as often the engine takes the last of the alphabet first.
        own.sort(key=lambda pair: (pair[1], pair[0]) if count_first else pair[0], reverse=count_first)
        ordered += own
    return ordered


def values_like(forms: Forms, attribute: str, text: str | None, slots: AbstractSet[int]) -> list[dict[str, Any]]:
    """The values that begin as `text` says, or nearly so, with how many of the documents hold them.

    A value is taken as one word: what it has after a space is not looked at by itself.
    """
    column = forms.column(attribute)
    counts = counted(column, slots)
    for value in [value for value in counts if not isinstance(value, str)]:
        del counts[value]
    if text and text.strip():
        fitting = _fitting([value for value in counts if isinstance(value, str)], normal(text.strip()), forms)
        counts = Counter({value: counts[value] for value in fitting})
    found = _ordered(counts, forms, attribute)[: forms.settings["faceting"]["maxValuesPerFacet"]]
    return [{"value": text_of(value, column), "count": count} for value, count in found]


def _fitting(values: list[str], wanted: str, forms: Forms) -> list[str]:
    """The values that begin with `wanted`, but for the typos that its length allows (none in the first letter)."""
    plain = sorted((normal(value), value) for value in values)
    typos = Tolerance(forms.settings["typoTolerance"]).typos(wanted)
    near = set(close(wanted, [one for one, _ in plain if one[:1] == wanted[0]], typos, prefix=True)) if typos else set()
    return [value for one, value in plain if one.startswith(wanted) or one in near]
