"""What a search may ask, and how it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.search import request_of
from tests.embedded.search.shelf import refusal, shelf

pytestmark = pytest.mark.unit

WRONG: dict[str, list[Any]] = {
    "q": [5, ["a"], True],
    "offset": [-1, "x", 1.5, None, True],
    "limit": [-1, "x", 1.5, None, 2**64],
    "page": [-1, "x"],
    "hits_per_page": [-1, "x"],
    "attributes_to_retrieve": ["id", [5]],
    "attributes_to_crop": ["id", [5]],
    "attributes_to_highlight": ["id", [5]],
    "attributes_to_search_on": ["id", [5]],
    "crop_length": [-1, "x", None],
    "crop_marker": [5, None],
    "highlight_pre_tag": [5, None],
    "highlight_post_tag": [5, None],
    "show_matches_position": ["x", 1, None],
    "show_ranking_score": ["x", None],
    "show_ranking_score_details": ["x"],
    "retrieve_vectors": ["x"],
    "sort": ["year:asc", [5]],
    "facets": ["year", [5]],
    "distinct": [5, ["year"]],
    "filter": [5, True, {}],
    "matching_strategy": ["most", {"a": 1}, None],
    "ranking_score_threshold": [1.1, -0.1, "x"],
    "locales": ["eng", ["english"]],
    "vector": ["x", ["x"]],
}


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_value_that_does_not_fit_is_refused_by_the_name_of_its_key(name: str, value: Any) -> None:
    assert refusal(shelf(), {camel(name): value}) == f"invalid_search_{name}"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"doggo": 1}, "bad_request"),
        ([], "bad_request"),
        ("x", "bad_request"),
        (None, "bad_request"),
        ({"hybrid": 5}, "invalid_search_hybrid_query"),
        ({"hybrid": {}}, "invalid_search_hybrid_query"),
        ({"hybrid": {"embedder": "default"}}, "invalid_search_embedder"),
        ({"hybrid": {"embedder": "default", "semanticRatio": 2}}, "invalid_search_semantic_ratio"),
        ({"vector": [1.0]}, "missing_search_hybrid"),
        ({"personalize": {"userContext": "x"}}, "feature_not_enabled"),
        ({"useNetwork": True}, "feature_not_enabled"),
        ({"attributesToSearchOn": ["nobody"], "q": "x"}, "invalid_search_attributes_to_search_on"),
    ],
)
def test_what_cannot_be_asked_is_refused(body: Any, code: str) -> None:
    assert refusal(shelf(searchableAttributes=["title"]), body) == code


def test_null_stands_for_absence_where_a_key_has_no_default() -> None:
    nothing = dict.fromkeys(
        ["q", "filter", "sort", "facets", "page", "hitsPerPage", "distinct", "attributesToRetrieve"]
    )
    assert shelf().search(nothing)["hits"] == shelf().search({})["hits"]


def test_a_query_string_stands_for_a_body() -> None:
    query = {
        "q": "lantern",
        "limit": "3",
        "showRankingScore": "true",
        "attributesToRetrieve": "id,title",
        "sort": "_geoPoint(1.5, 2):asc,year:desc",
        "filter": '["year = 1", ["tags = a"]]',
        "rankingScoreThreshold": "0.5",
        "hybridEmbedder": "default",
    }
    assert request_of(query) == {
        "q": "lantern",
        "limit": 3,
        "showRankingScore": True,
        "attributesToRetrieve": ["id", "title"],
        "sort": ["_geoPoint(1.5, 2):asc", "year:desc"],
        "filter": ["year = 1", ["tags = a"]],
        "rankingScoreThreshold": 0.5,
        "hybrid": {"embedder": "default"},
    }
    assert request_of({"filter": "year = 1"}) == {"filter": "year = 1"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"doggo": "1"}, "bad_request"),
        ({"hybrid": "1"}, "bad_request"),
        ({"limit": "x"}, "invalid_search_limit"),
        ({"limit": "-1"}, "invalid_search_limit"),
        ({"showRankingScore": "yes"}, "invalid_search_show_ranking_score"),
        ({"rankingScoreThreshold": "x"}, "invalid_search_ranking_score_threshold"),
        ({"vector": "1,x"}, "invalid_search_vector"),
    ],
)
def test_a_query_string_is_refused_like_a_body(query: dict[str, str], code: str) -> None:
    with pytest.raises(Refusal) as refused:
        request_of(query)
    assert refused.value.code == code
