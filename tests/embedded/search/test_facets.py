"""Facets and the search for their values."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.search import SearchIndex
from tests.embedded.search.shelf import index_of, refusal

pytestmark = pytest.mark.unit

FILMS: list[dict[str, Any]] = [
    {"id": 1, "genre": ["Drama", "sea"], "year": 1994, "seen": True},
    {"id": 2, "genre": ["drama", "Comedy"], "year": 2001, "seen": False},
    {"id": 3, "genre": "Adventure", "year": 6.5},
    {"id": 4, "year": "2001", "genre": ["Science Fiction"]},
]


def films(**changes: Any) -> SearchIndex:
    changes.setdefault("filterableAttributes", ["genre", "year", "seen"])
    return index_of(FILMS, **changes)


def test_values_are_counted_without_regard_to_case() -> None:
    answer = films().search({"facets": ["genre", "seen"], "limit": 0})
    genres = {"Adventure": 1, "Comedy": 1, "Drama": 2, "Science Fiction": 1, "sea": 1}
    assert answer["facetDistribution"] == {"genre": genres, "seen": {"false": 1, "true": 1}}
    assert answer["facetStats"] == {}


def test_only_what_was_found_is_counted() -> None:
    answer = films().search({"q": "comedy", "facets": ["genre"]})
    assert answer["facetDistribution"] == {"genre": {"Comedy": 1, "drama": 1}}


def test_numbers_have_statistics_and_texts_that_look_like_some_have_not() -> None:
    answer = films().search({"facets": ["year"]})
    assert answer["facetDistribution"]["year"] == {"1994": 1, "2001": 1, "6.5": 1}
    assert answer["facetStats"] == {"year": {"min": 6.5, "max": 2001.0}}


def test_values_are_cut_in_the_order_of_the_settings() -> None:
    by_name = films(faceting={"maxValuesPerFacet": 2}).search({"facets": ["genre"]})
    assert list(by_name["facetDistribution"]["genre"]) == ["Adventure", "Comedy"]
    by_count = films(faceting={"maxValuesPerFacet": 2, "sortFacetValuesBy": {"*": "alpha", "genre": "count"}})
    assert list(by_count.search({"facets": ["genre"]})["facetDistribution"]["genre"]) == ["Drama", "sea"]


@pytest.mark.parametrize("facets", [["title"], ["genre", "title"]])
def test_only_filterable_attributes_are_facets(facets: list[str]) -> None:
    assert refusal(films(), {"facets": facets}) == "invalid_search_facets"


def hits(index: SearchIndex, name: str, text: str | None = None, **more: Any) -> list[tuple[str, int]]:
    answer = index.facet_search({"facetName": name, "facetQuery": text, **more})
    return [(hit["value"], hit["count"]) for hit in answer["facetHits"]]


def test_values_are_found_by_their_beginning() -> None:
    assert hits(films(), "genre", "s") == [("Science Fiction", 1), ("sea", 1)]
    assert hits(films(), "genre", "fiction") == []
    assert hits(films(), "genre") == [("Adventure", 1), ("Comedy", 1), ("Drama", 2), ("Science Fiction", 1), ("sea", 1)]


def test_a_value_may_be_written_with_a_typo_or_an_accent() -> None:
    assert hits(films(), "genre", "adventre") == [("Adventure", 1)]
    assert hits(films(), "genre", "Àdventure") == [("Adventure", 1)]
    assert hits(films(), "genre", "dventure") == [("Adventure", 1)]
    assert hits(films(typoTolerance={"enabled": False}), "genre", "adventre") == []


def test_a_search_for_values_looks_among_what_is_found() -> None:
    assert hits(films(), "genre", "", q="comedy") == [("Comedy", 1), ("Drama", 1)]
    assert hits(films(), "genre", "d", filter="year = 1994") == [("Drama", 1)]
    assert hits(films(), "genre", "s", anything="is ignored", sort="even what would be wrong") != []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_facet_search_facet_name"),
        ({"facetName": 5}, "invalid_facet_search_facet_name"),
        ({"facetName": "title"}, "invalid_facet_search_facet_name"),
        ({"facetName": "genre", "facetQuery": 5}, "invalid_facet_search_query"),
        ({"facetName": "genre", "q": 5}, "invalid_search_q"),
        ({"facetName": "genre", "filter": "title = 1"}, "invalid_search_filter"),
        ([], "bad_request"),
    ],
)
def test_a_search_for_values_is_refused(body: Any, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        films().facet_search(body)
    assert refused.value.code == code


def test_a_search_for_values_can_be_switched_off() -> None:
    with pytest.raises(Refusal) as refused:
        films(facetSearch=False).facet_search({"facetName": "genre"})
    assert refused.value.code == "facet_search_disabled"
    rules = [
        {
            "attributePatterns": ["genre"],
            "features": {"facetSearch": False, "filter": {"equality": True, "comparison": False}},
        }
    ]
    with pytest.raises(Refusal) as refused:
        films(filterableAttributes=rules).facet_search({"facetName": "genre"})
    assert refused.value.code == "invalid_facet_search_facet_name"
