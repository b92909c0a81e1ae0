"""Whether the hits of several searches can be put into one order."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..refusal import Refusal
from .sorting import Criterion, once

_RELEVANCE = "relevancy"


def constraints(rules: Sequence[str], sort: Sequence[Criterion], *, words: bool, all_words: bool) -> list[str]:
    """What the hits of a search are ordered by: rules that look at words count as one where they follow each other.

    `words` is whether the search has some, `all_words` whether all have to be there.
    """
    kinds: list[str] = []
    for one in once(rules, sort):
        if isinstance(one, Criterion):
            kinds.append(f"{'geo' if one.point else 'sort'} {'ascending' if one.ascending else 'descending'}")
        elif words and not (one == "words" and all_words):
            kinds.append(_RELEVANCE)
    return [kind for kind, group in groupby(kinds) for _ in (group if kind != _RELEVANCE else (kind,))]


class Compatibility:
    """Compares every search with the one before that has the most constraints."""

    def __init__(self) -> None:
        self._previous: list[str] = []

    def check(self, current: list[str]) -> None:
        """Refuse a search that is ordered by something else."""
        for one, other in zip(current, self._previous, strict=False):
            if one != other:
                raise Refusal(
                    "invalid_multi_search_query_ranking_rules",
                    f"The results of the queries are incompatible: cannot compare {one} with {other}",
                )
        if len(current) >= len(self._previous):
            self._previous = current
