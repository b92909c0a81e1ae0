"""One search of one index: which documents, in which order, and how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from ..refusal import Refusal
from .compatibility import constraints
from .details import told
from .fields import fits
from .filter_syntax import Filter
from .filtering import Filtering, read
from .forms import Forms
from .highlight import Highlighter
from .hits import Presenter
from .matching import Match, Matcher
from .page import Page
from .paths import levels
from .query import understand
from .ranking import (
    Ranked,
    bucket_of,
    bucket_without_words,
    grouped,
    with_words,
    without_words,
)
from .request import Request
from .rules import Bucket, Rule
from .sorting import Criterion, check_syntax, criteria, understood


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
            settings = self.forms.settings
            hit["_rankingScoreDetails"] = told(one.details, settings["rankingRules"], settings["displayedAttributes"])
        return hit


@dataclass(slots=True)
class _Found:
    """The documents that fit, how to order them, and what was looked for."""

    bucket: Bucket
    rules: Sequence[Rule]
    sort: list[Criterion]
    matches: list[Match] = field(default_factory=list)


class Searching:
    """Runs a search on the forms of an index."""

    def __init__(self, forms: Forms, request: Request) -> None:
        self._forms, self._request = forms, request

    def run(
        self, start: int, count: int, *, scored: bool = False, exact: bool = False, distinct: str | None = None
    ) -> Results:
        """`count` documents from `start` on; `scored` if their scores matter, `exact` if the number of all does.

        `distinct` goes before the attribute that the request or the settings name.
        """
        forms, request = self._forms, self._request
        threshold = request.ranking_score_threshold
        scored = scored or request.show_ranking_score or request.show_ranking_score_details or threshold is not None
        filter = None if request.filter is None else read(request.filter, code="invalid_search_filter")
        sort = check_syntax(request.sort or [], code="invalid_search_sort")
        fields = self._fields()
        distinct = distinct or request.distinct
        check_distinct(distinct, forms)
        universe = self._universe(filter)
        found = self._find(universe, fields, self._sort(sort))
        blanks, distinct = distinct is not None, distinct or forms.settings["distinctAttribute"]
        page = Page(
            start=start,
            count=count,
            exact=exact,
            most=forms.settings["pagination"]["maxTotalHits"],
            column=None if distinct is None else forms.column(distinct),
            blanks=blanks,
            threshold=threshold,
        )
        groups = grouped(found.rules, found.bucket, scored=scored)
        ranked, slots = page.cut(groups, found.bucket.slots, ranked=bool(found.rules))
        point = next((one.point for one in found.sort if one.point is not None), None)
        vocabulary = forms.textual.vocabulary if found.matches else ()
        highlighter = Highlighter(found.matches, forms.shown_tokenizer, vocabulary)
        presenter = Presenter(request, forms, highlighter, point)
        return Results(slots, ranked, len(slots), presenter, forms, request)

    def constraints(self) -> list[str]:
        """What the hits are ordered by."""
        request = self._request
        sort = [understood(one, "invalid_search_sort") for one in request.sort or []]
        words, every = bool((request.q or "").strip()), request.matching_strategy == "all"
        return constraints(self._forms.settings["rankingRules"], sort, words=words, all_words=every)

    def _universe(self, filter: Filter | None) -> AbstractSet[int]:
        """The documents that the filter lets through."""
        if filter is None:
            return self._forms.store.live()
        return Filtering(self._forms, "invalid_search_filter").select(filter)

    def _rules_allow_sort(self) -> bool:
        return "sort" in self._forms.settings["rankingRules"]

    def _sort(self, sort: list[str]) -> list[Criterion]:
        if sort and not self._rules_allow_sort():
            raise Refusal(
                "invalid_search_sort",
                "You must specify where `sort` is listed in the rankingRules setting to use"
                " the sort parameter at search time.",
            )
        return criteria(sort, self._forms, code="invalid_search_sort")

    def _find(self, universe: AbstractSet[int], fields: frozenset[int] | None, sort: list[Criterion]) -> _Found:
        forms, request = self._forms, self._request
        text = ((request.q or "").strip() and request.q) or ""
        if not text:
            return _Found(bucket_without_words(universe), without_words(forms, sort), sort)
        query = understand(text, forms.tokenizer, forms.settings)
        matcher = Matcher(forms.textual, forms.settings, fields)
        for words in query.without:
            universe = universe - matcher.holding(words)
        if not query.terms:
            return _Found(bucket_without_words(universe), without_words(forms, sort), sort)
        found = levels(query, matcher, request.matching_strategy, universe)
        phrased = sum(word is not None for term in query.terms if term.phrase for word in term.words)
        every = request.matching_strategy == "all"
        rules = with_words(forms, sort, found, phrased, all_words=every, fields=fields)
        return _Found(bucket_of(found), rules, sort, list(matcher.seen()))

    def _fields(self) -> frozenset[int] | None:
        """The numbers of the fields that are searched; None for all of them.

        Only the names of fields count, and patterns: to name an object does not mean what is in it.
        """
        attributes = self._request.attributes_to_search_on
        if attributes is None:
            return None
        searchable: list[str] = self._forms.settings["searchableAttributes"]
        known = self._forms.textual.fields
        wanted: set[int] = set()
        for attribute in attributes:
            if attribute == "*":
                continue
            numbers = [number for number, path in enumerate(known) if _meant(attribute, path)]
            if not numbers and "*" not in searchable and attribute not in searchable:
                available = ", ".join(f"`{one}`" for one in searchable)
                raise Refusal(
                    "invalid_search_attributes_to_search_on",
                    f"Attribute `{attribute}` is not searchable. Available searchable attributes are: {available}.",
                )
            wanted.update(numbers)
        return None if "*" in attributes else frozenset(wanted)


def _meant(attribute: str, path: str) -> bool:
    return fits(attribute, path) if "*" in attribute else attribute == path


def check_distinct(attribute: str | None, forms: Forms) -> None:
    """Refuse an attribute that is not filterable."""
    if attribute is None or forms.filterable.allows(attribute):
        return
    patterns = ", ".join(f"`{one}`" for one in forms.filterable.patterns())
    available = (
        f"Available filterable attributes patterns are: {patterns}."
        if patterns
        else "This index does not have configured filterable attributes."
    )
    raise Refusal(
        "invalid_search_distinct",
        f"Index `{forms.uid}`: Attribute `{attribute}` is not filterable"
        f" and thus, cannot be used as distinct attribute. {available}",
    )
