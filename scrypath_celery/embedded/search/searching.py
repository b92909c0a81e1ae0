"""One search of one index: which documents, in which order, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.search.details import told
from scrypath_celery.embedded.search.distinct import Distinct
from scrypath_celery.embedded.search.fields import fits, names
from scrypath_celery.embedded.search.filtering import Filtering, read
from scrypath_celery.embedded.search.forms import Forms
from scrypath_celery.embedded.search.highlight import Highlighter
from scrypath_celery.embedded.search.hits import Presenter
from scrypath_celery.embedded.search.matching import Match, Matcher
from scrypath_celery.embedded.search.paths import levels
from scrypath_celery.embedded.search.query import understand
from scrypath_celery.embedded.search.ranking import (
    Ranked,
    bucket_of,
    bucket_without_words,
    ordered,
    with_words,
    without_words,
)
from scrypath_celery.embedded.search.request import Request
from scrypath_celery.embedded.search.rules import Bucket, Rule
from scrypath_celery.embedded.search.sorting import Criterion, criteria


@dataclass(slots=True)
class Results:
    """The documents of a search: all of them (`slots`), and those that were asked for in their order."""

    slots: AbstractSet[int]
    ranked: list[Ranked]
    total: int
    presenter: Presenter
    forms: Forms
    request: Request

    def hits(self) -> list[dict[str, Any]]:
        """The documents as hits."""
        return [self.hit(one) for one in self.ranked]

    def hit(self, one: Ranked) -> dict[str, Any]:
        """One document as a hit, with the scores that were asked for."""
        hit = self.presenter.hit(self.forms.store.document(one.slot))
        if self.request.show_ranking_score:
            hit["_rankingScore"] = one.score
        if self.request.show_ranking_score_details:
            hit["_rankingScoreDetails"] = told(one.details, self.forms.settings["rankingRules"])
        return hit


@dataclass(slots=True)
class _Found:
    """The documents that fit, how to order them, and what was looked for."""

    bucket: Bucket
    rules: Sequence[Rule]
    matches: list[Match] = field(default_factory=list)


class Searching:
    """Runs a search on the forms of an index."""

    def __init__(self, forms: Forms, request: Request) -> None:
        self._forms, self._request = forms, request

    def run(self, start: int, count: int, *, scored: bool = False, exact: bool = False) -> Results:
        """`count` documents from `start` on; `scored` if their scores matter, `exact` if the number of all does."""
        forms, request = self._forms, self._request
        threshold = request.ranking_score_threshold
        scored = scored or request.show_ranking_score or request.show_ranking_score_details or threshold is not None
        universe = self.universe()
        found = self._find(universe)
        slots = found.bucket.slots
        ranked = ordered(found.rules, found.bucket, scored=scored)
        if threshold is not None:
            kept = [one for one in ranked if one.score >= threshold]
            slots, ranked = frozenset(one.slot for one in kept), iter(kept)
        distinct = Distinct.of(request.distinct or forms.settings["distinctAttribute"], forms)
        total = len(slots)
        if distinct is not None:
            page, total = distinct.page(ranked, slots, start, count, exact=exact)
        else:
            page = list(islice(ranked, start, start + count)) if count else []
        point = next((one.point for one in self._sort() if one.point is not None), None)
        vocabulary = forms.textual.vocabulary if found.matches else ()
        highlighter = Highlighter(found.matches, forms.shown_tokenizer, vocabulary)
        presenter = Presenter(request, forms, highlighter, point)
        return Results(slots, page, total, presenter, forms, request)

    def universe(self) -> AbstractSet[int]:
        """The documents that the filter lets through."""
        filter = read(self._request.filter, code="invalid_search_filter") if self._request.filter is not None else None
        if filter is None:
            return self._forms.store.live()
        return Filtering(self._forms, "invalid_search_filter").select(filter)

    def candidates(self) -> AbstractSet[int]:
        """All documents that fit, in no order."""
        return self._find(self.universe()).bucket.slots

    def _rules_allow_sort(self) -> bool:
        return "sort" in self._forms.settings["rankingRules"]

    def _sort(self) -> list[Criterion]:
        sort = self._request.sort or []
        if sort and not self._rules_allow_sort():
            raise Refusal(
                "invalid_search_sort",
                "You must specify where `sort` is listed in the rankingRules setting to use"
                " the sort parameter at search time.",
            )
        return criteria(sort, self._forms, code="invalid_search_sort")

    def _find(self, universe: AbstractSet[int]) -> _Found:
        forms, request, sort = self._forms, self._request, self._sort()
        text = ((request.q or "").strip() and request.q) or ""
        restricted = request.attributes_to_search_on
        if not text:
            return _Found(bucket_without_words(universe), without_words(forms, sort))
        fields = None if restricted is None else self._fields(restricted)
        query = understand(text, forms.tokenizer, forms.settings)
        matcher = Matcher(forms.textual, forms.settings, fields)
        for words in query.without:
            universe = universe - matcher.holding(words)
        if not query.terms:
            return _Found(bucket_without_words(universe), without_words(forms, sort))
        found = levels(query, matcher, request.matching_strategy, universe)
        phrased = sum(word is not None for term in query.terms if term.phrase for word in term.words)
        every = request.matching_strategy == "all"
        rules = with_words(forms, sort, found, phrased, all_words=every, fields=fields)
        return _Found(bucket_of(found), rules, list(matcher.seen()))

    def _fields(self, attributes: list[str]) -> frozenset[int]:
        searchable: list[str] = self._forms.settings["searchableAttributes"]
        known = self._forms.textual.fields
        wanted: set[int] = set()
        for attribute in attributes:
            if (
                "*" not in searchable
                and attribute != "*"
                and not any(_meant(attribute, one) for one in (*searchable, *known))
            ):
                available = ", ".join(f"`{one}`" for one in searchable)
                raise Refusal(
                    "invalid_search_attributes_to_search_on",
                    f"Attribute `{attribute}` is not searchable. Available searchable attributes are: {available}.",
                )
            wanted.update(number for number, path in enumerate(known) if _meant(attribute, path))
        return frozenset(wanted)


def _meant(attribute: str, path: str) -> bool:
    return fits(attribute, path) if "*" in attribute else names(attribute, path)


def facet_names(asked: Sequence[str], forms: Forms, *, code: str) -> list[str]:
    """The attributes that `facets` names; Refusal with `code` if one is not filterable."""
    return [name for one in asked for name in _facet_names(one, forms, code)]


def _facet_names(asked: str, forms: Forms, code: str) -> Iterator[str]:
    if "*" not in asked and forms.filterable.allows(asked):
        yield asked
        return
    patterns = forms.filterable.patterns()
    fitting = [one for one in patterns if "*" not in one and fits(asked, one)] if asked.strip("*") else []
    if not fitting:
        available = (
            f"Available filterable attributes patterns are: `{', '.join(patterns)}`."
            if patterns
            else ("This index does not have configured filterable attributes.")
        )
        raise Refusal(code, f"Invalid facet distribution: Pattern `{asked}` is not filterable. {available}")
    yield from fitting
