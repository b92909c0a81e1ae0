"""Several searches in one request, merged or not."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.search import SearchIndex, multi_search
from tests.embedded.search.shelf import index_of

pytestmark = pytest.mark.unit

SETTINGS: dict[str, Any] = {"filterableAttributes": ["kind", "price"], "sortableAttributes": ["price"]}
INDEXES = {
    "boats": index_of(
        [
            {"id": 1, "name": "red boat", "kind": "sail", "price": 3},
            {"id": 2, "name": "boat", "kind": "row", "price": 1},
        ],
        uid="boats",
        **SETTINGS,
    ),
    "books": index_of(
        [
            {"id": 1, "name": "a big red boat", "kind": "sail", "price": 2},
            {"id": 2, "name": "boat", "kind": "tale", "price": "free"},
        ],
        uid="books",
        **SETTINGS,
    ),
}


def find(uid: str) -> SearchIndex:
    if uid not in INDEXES:
        raise Refusal("index_not_found", f"Index `{uid}` not found.")
    return INDEXES[uid]


def merged(*queries: dict[str, Any], **federation: Any) -> dict[str, Any]:
    return multi_search(find, {"queries": list(queries), "federation": federation})


def places(answer: dict[str, Any]) -> list[tuple[str, int]]:
    return [(hit["_federation"]["indexUid"], hit["id"]) for hit in answer["hits"]]


def test_searches_are_answered_one_by_one() -> None:
    queries = [{"indexUid": "boats", "q": "red"}, {"indexUid": "books", "limit": 1}]
    results = multi_search(find, {"queries": queries})["results"]
    assert [(one["indexUid"], len(one["hits"]), one["estimatedTotalHits"]) for one in results] == [
        ("boats", 1, 1),
        ("books", 1, 2),
    ]
    assert multi_search(find, {"queries": []}) == {"results": []}


def test_merged_hits_come_by_their_score() -> None:
    answer = merged({"indexUid": "books", "q": "boat"}, {"indexUid": "boats", "q": "boat"})
    assert places(answer) == [("books", 2), ("boats", 2), ("boats", 1), ("books", 1)]
    assert answer["hits"][0]["_federation"] == {"indexUid": "books", "queriesPosition": 0, "weightedRankingScore": 1.0}
    assert answer["estimatedTotalHits"] == 4


def test_a_weight_and_a_position_can_be_given() -> None:
    light = {"indexUid": "books", "q": "boat", "federationOptions": {"weight": 0.5, "queryPosition": 7}}
    answer = merged(light, {"indexUid": "boats", "q": "boat"})
    assert places(answer) == [("boats", 2), ("boats", 1), ("books", 2), ("books", 1)]
    assert answer["hits"][2]["_federation"] == {"indexUid": "books", "queriesPosition": 7, "weightedRankingScore": 0.5}


def test_a_document_that_several_searches_find_is_shown_once() -> None:
    answer = merged({"indexUid": "boats", "q": "red"}, {"indexUid": "boats", "q": "boat"})
    assert places(answer) == [("boats", 2), ("boats", 1)]
    assert answer["estimatedTotalHits"] == 2


def test_sorted_searches_are_merged_by_their_values() -> None:
    queries = [{"indexUid": uid, "sort": ["price:asc"]} for uid in INDEXES]
    assert places(merged(*queries)) == [("boats", 2), ("books", 1), ("boats", 1), ("books", 2)]
    queries = [{"indexUid": uid, "sort": ["price:desc"]} for uid in INDEXES]
    assert places(merged(*queries)) == [("boats", 1), ("books", 1), ("boats", 2), ("books", 2)]


def test_merged_hits_have_pages_of_both_kinds() -> None:
    queries = [{"indexUid": uid, "sort": ["price:asc"]} for uid in INDEXES]
    answer = merged(*queries, offset=1, limit=2)
    assert places(answer) == [("books", 1), ("boats", 1)]
    assert (answer["offset"], answer["limit"]) == (1, 2)
    answer = merged(*queries, page=2, hitsPerPage=3)
    assert places(answer) == [("books", 2)]
    assert (answer["page"], answer["hitsPerPage"], answer["totalPages"], answer["totalHits"]) == (2, 3, 2, 4)


def test_facets_are_told_by_index_or_merged() -> None:
    queries = [{"indexUid": uid} for uid in INDEXES]
    facets = {"boats": ["kind", "price"], "books": ["kind", "price"]}
    by_index = merged(*queries, facetsByIndex=facets)["facetsByIndex"]
    assert by_index["boats"] == {
        "distribution": {"kind": {"row": 1, "sail": 1}, "price": {"1": 1, "3": 1}},
        "stats": {"price": {"min": 1.0, "max": 3.0}},
    }
    answer = merged(*queries, facetsByIndex=facets, mergeFacets={})
    assert answer["facetDistribution"]["kind"] == {"row": 1, "sail": 2, "tale": 1}
    assert answer["facetStats"] == {"price": {"min": 1.0, "max": 3.0}}
    assert "facetsByIndex" not in answer
    answer = merged(*queries, facetsByIndex=facets, mergeFacets={"maxValuesPerFacet": 1})
    assert answer["facetDistribution"]["kind"] == {"row": 1}


def test_distinct_works_across_indexes() -> None:
    answer = merged(*[{"indexUid": uid} for uid in INDEXES], distinct="kind")
    assert places(answer) == [("boats", 1), ("boats", 2), ("books", 2)]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([], "bad_request"),
        ({}, "bad_request"),
        ({"queries": {}}, "bad_request"),
        ({"queries": [5]}, "bad_request"),
        ({"queries": [], "doggo": 1}, "bad_request"),
        ({"queries": [{"indexUid": "boats", "doggo": 1}]}, "bad_request"),
        ({"queries": [{"q": "x"}]}, "missing_index_uid"),
        ({"queries": [{"indexUid": "a b"}]}, "invalid_index_uid"),
        ({"queries": [{"indexUid": 5}]}, "invalid_index_uid"),
        ({"queries": [{"indexUid": "nobody"}]}, "index_not_found"),
        ({"queries": [{"indexUid": "boats", "limit": -1}]}, "invalid_search_limit"),
        ({"queries": [{"indexUid": "boats", "filter": "name = 1"}]}, "invalid_search_filter"),
        ({"queries": [{"indexUid": "boats", "federationOptions": {}}]}, "invalid_multi_search_federation_options"),
        ({"queries": [], "federation": 5}, "invalid_multi_search_federated"),
        ({"queries": [], "federation": {"doggo": 1}}, "bad_request"),
        ({"queries": [], "federation": {"limit": "x"}}, "invalid_search_limit"),
        ({"queries": [], "federation": {"offset": -1}}, "invalid_search_offset"),
        ({"queries": [], "federation": {"facetsByIndex": []}}, "invalid_multi_search_facets_by_index"),
        ({"queries": [], "federation": {"facetsByIndex": {"boats": ["name"]}}}, "invalid_search_facets"),
        ({"queries": [], "federation": {"facetsByIndex": {"nobody": ["name"]}}}, "index_not_found"),
        ({"queries": [], "federation": {"mergeFacets": 5}}, "invalid_multi_search_merge_facets"),
        (
            {"queries": [], "federation": {"mergeFacets": {"maxValuesPerFacet": -1}}},
            "invalid_multi_search_max_values_per_facet",
        ),
        ({"queries": [{"indexUid": "boats", "limit": 1}], "federation": {}}, "invalid_multi_search_query_pagination"),
        ({"queries": [{"indexUid": "boats", "page": 1}], "federation": {}}, "invalid_multi_search_query_pagination"),
        (
            {"queries": [{"indexUid": "boats", "facets": ["kind"]}], "federation": {}},
            "invalid_multi_search_query_facets",
        ),
        ({"queries": [{"indexUid": "nobody"}], "federation": {}}, "index_not_found"),
    ],
)
def test_what_does_not_fit_is_refused(body: Any, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        multi_search(find, body)
    assert (refused.value.code, refused.value.status) == (code, 400)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"weight": -1}, "invalid_multi_search_weight"),
        ({"weight": "x"}, "invalid_multi_search_weight"),
        ({"queryPosition": -1}, "invalid_multi_search_query_position"),
        ({"remote": 5}, "invalid_multi_search_remote"),
        ({"remote": "other"}, "feature_not_enabled"),
        ({"doggo": 1}, "bad_request"),
        (5, "invalid_multi_search_federation_options"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: Any, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        merged({"indexUid": "boats", "federationOptions": options})
    assert refused.value.code == code


def test_a_refusal_says_which_search_it_is_about() -> None:
    with pytest.raises(Refusal) as refused:
        multi_search(find, {"queries": [{"indexUid": "boats"}, {"indexUid": "nobody"}]})
    assert refused.value.message.startswith("Inside `.queries[1]`: ")
