"""Sorting by values and by distance; filters by place."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.search import SearchIndex
from tests.embedded.search.shelf import ids, index_of, refusal, shelf

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def towns() -> SearchIndex:
    """Four places, one of them without coordinates."""
    documents: list[dict[str, Any]] = [
        {"id": 1, "_geo": {"lat": 60.39, "lng": 5.32}},
        {"id": 2, "_geo": {"lat": "59.91", "lng": "10.75"}},
        {"id": 3, "_geo": None},
        {"id": 4, "_geo": {"lat": -17.7, "lng": 179.9}},
    ]
    return index_of(documents, sortableAttributes=["_geo"], filterableAttributes=["_geo"])


def test_numbers_come_before_texts_and_what_has_no_value_last() -> None:
    documents: list[dict[str, Any]] = [
        {"id": 1},
        {"id": 2, "v": "b"},
        {"id": 3, "v": 2},
        {"id": 4, "v": "a"},
        {"id": 5, "v": 10},
        {"id": 6, "v": None},
    ]
    index = index_of(documents, sortableAttributes=["v"])
    assert ids(index, sort=["v:asc"]) == [3, 5, 4, 2, 1, 6]
    assert ids(index, sort=["v:desc"]) == [5, 3, 2, 4, 1, 6]


def test_a_document_of_several_values_stands_by_the_best_of_them() -> None:
    index = index_of([{"id": 1, "v": [1, 9]}, {"id": 2, "v": [5]}], sortableAttributes=["v"])
    assert ids(index, sort=["v:asc"]) == [1, 2]
    assert ids(index, sort=["v:desc"]) == [1, 2]


def test_later_criteria_decide_among_equals() -> None:
    assert ids(shelf(), sort=["year:desc", "title:asc"]) == [4, 3, 2, 1, 5]


def test_known_ids_can_be_put_in_order() -> None:
    assert shelf().order(["1", "nobody", "5", "2"], ["title:asc"], code="invalid_document_sort") == ["5", "1", "2"]
    assert shelf().order([], ["title:asc"], code="invalid_document_sort") == []
    with pytest.raises(Refusal) as refused:
        shelf().order(["1"], ["about:asc"], code="invalid_document_sort")
    assert refused.value.code == "invalid_document_sort"


@pytest.mark.parametrize(
    "sort",
    [
        "year",
        "year:up",
        "about:asc",
        ":asc",
        "_geo:asc",
        "_geoPoint(1,2):asc",
        "_geoPoint(1):asc",
        "_geoRadius(1,2,3):asc",
    ],
)
def test_what_is_not_sortable_is_refused(sort: str) -> None:
    assert refusal(shelf(), {"sort": [sort]}) == "invalid_search_sort"


@pytest.mark.parametrize(
    "sort", ["_geoPoint(91,2):asc", "_geoPoint(1,181):asc", "_geoPoint(a,b):asc", "_geoPoint(1,2)"]
)
def test_a_point_has_to_be_on_the_globe(towns: SearchIndex, sort: str) -> None:
    assert refusal(towns, {"sort": [sort]}) == "invalid_search_sort"


def test_a_sort_needs_its_place_among_the_ranking_rules() -> None:
    assert refusal(shelf(rankingRules=["words"]), {"sort": ["year:asc"]}) == "invalid_search_sort"


def test_the_nearest_come_first_with_their_distance(towns: SearchIndex) -> None:
    hits = towns.search({"sort": ["_geoPoint(60.39, 5.32):asc"]})["hits"]
    assert [hit["id"] for hit in hits] == [1, 2, 4, 3]
    assert hits[0]["_geoDistance"] == 0
    assert 300_000 < hits[1]["_geoDistance"] < 310_000
    assert "_geoDistance" not in hits[3]
    assert ids(towns, sort=["_geoPoint(60.39, 5.32):desc"]) == [4, 2, 1, 3]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("_geoRadius(60.39, 5.32, 1000)", [1]),
        ("_geoRadius(60.39, 5.32, 400000)", [1, 2]),
        ("NOT _geoRadius(60.39, 5.32, 400000)", [3, 4]),
        ("_geoBoundingBox([61, 6], [60, 5])", [1]),
        ("_geoBoundingBox([-17, -179], [-18, 179])", [4]),
    ],
)
def test_places_can_be_filtered(towns: SearchIndex, filter: str, found: list[int]) -> None:
    assert ids(towns, filter=filter) == found


@pytest.mark.parametrize(
    "filter",
    [
        "_geoRadius(91, 2, 3)",
        "_geoRadius(1, 181, 3)",
        "_geoBoundingBox([1, 2], [3, 4])",
        "_geoBoundingBox([91, 2], [3, 4])",
    ],
)
def test_places_off_the_globe_are_refused(towns: SearchIndex, filter: str) -> None:
    assert refusal(towns, {"filter": filter}) == "invalid_search_filter"
