"""The order of hits, rule by rule."""

from __future__ import annotations

import pytest

from tests.embedded.search.shelf import ids, index_of, shelf, texts

pytestmark = pytest.mark.unit


def test_more_words_come_first() -> None:
    assert ids(texts("red", "red apple", "red apple pie"), "red apple pie") == [3, 2, 1]


def test_fewer_typos_come_first() -> None:
    assert ids(texts("lanterm", "lantern"), "lantern") == [2, 1]


def test_closer_words_come_first_and_in_the_order_of_the_query() -> None:
    index = texts("red big apple", "apple red", "red apple", "red. apple")
    assert ids(index, "red apple ") == [3, 1, 2, 4]


def test_proximity_by_attribute_sees_only_whether_it_is_the_same() -> None:
    documents = [{"id": 1, "a": "red", "b": "apple"}, {"id": 2, "a": "red or green or blue or yellow apple"}]
    assert ids(index_of(documents, proximityPrecision="byAttribute"), "red apple") == [2, 1]


def test_the_order_of_searchable_attributes_counts() -> None:
    documents = [{"id": 1, "about": "lantern", "title": "x"}, {"id": 2, "about": "x", "title": "a lantern"}]
    assert ids(index_of(documents), "lantern") == [1, 2]
    assert ids(index_of(documents, searchableAttributes=["title", "about"]), "lantern") == [2, 1]


def test_a_sort_comes_after_the_attribute_and_before_the_position() -> None:
    documents = [{"id": 1, "title": "lantern", "year": 2}, {"id": 2, "title": "a lantern", "year": 1}]
    index = index_of(documents, sortableAttributes=["year"])
    assert ids(index, "lantern") == [1, 2]
    assert ids(index, "lantern", sort=["year:asc"]) == [2, 1]


def test_earlier_words_come_first() -> None:
    assert ids(texts("big lantern", "lantern here"), "lantern") == [2, 1]


def test_a_whole_attribute_comes_before_its_beginning_and_a_word_before_a_prefix() -> None:
    assert ids(texts("lanterns lit", "lantern lit", "lantern"), "lantern") == [3, 2, 1]


def test_rules_of_ones_own_order_by_a_value() -> None:
    documents = [{"id": 1, "year": 1}, {"id": 2, "year": 3}, {"id": 3}, {"id": 4, "year": 2}]
    assert ids(index_of(documents, rankingRules=["words", "year:desc"])) == [2, 4, 1, 3]
    assert ids(index_of(documents, rankingRules=["year:asc"])) == [1, 4, 2, 3]


def test_what_ranks_alike_stays_in_the_order_it_came() -> None:
    index = texts("same", "same", "same")
    index.put([("2", {"id": 2, "text": "same"})])
    assert ids(index, "same") == [1, 2, 3]


def test_a_deleted_document_leaves_its_place_to_the_next_new_one() -> None:
    index = texts("same", "same", "same")
    index.delete(["2"])
    index.put([("9", {"id": 9, "text": "same"})])
    assert ids(index, "same") == [1, 9, 3]


def test_scores_go_from_one_for_the_query_itself_down() -> None:
    index = texts("Le Petit Prince", "Prince", "Princess")
    hits = index.search({"q": "prince", "showRankingScore": True})["hits"]
    assert [hit["id"] for hit in hits] == [2, 3, 1]
    assert [round(hit["_rankingScore"], 4) for hit in hits] == [1.0, 0.9621, 0.8788]


def test_the_details_of_a_score_follow_the_rules() -> None:
    hit = shelf().search({"q": "lantrn", "limit": 1, "sort": ["year:desc"], "showRankingScoreDetails": True})["hits"][0]
    details = hit["_rankingScoreDetails"]
    assert list(details) == ["words", "typo", "proximity", "attributeRank", "year:desc", "wordPosition", "exactness"]
    assert details["typo"] == {"order": 1, "typoCount": 1, "maxTypoCount": 1, "score": 0.5}
    assert details["year:desc"] == {"order": 4, "value": 2005.0}
    assert details["exactness"]["matchType"] == "noExactMatch"


def test_the_old_attribute_rule_is_told_as_one() -> None:
    index = texts("a lantern", rankingRules=["words", "attribute"])
    details = index.search({"q": "lantern", "showRankingScoreDetails": True})["hits"][0]["_rankingScoreDetails"]
    assert set(details["attribute"]) == {"order", "attributeRankingOrderScore", "queryWordDistanceScore", "score"}


def test_a_threshold_leaves_out_what_scores_less() -> None:
    answer = texts("prince", "Le Petit Prince").search({"q": "prince", "rankingScoreThreshold": 0.9})
    assert [hit["id"] for hit in answer["hits"]] == [1]
    assert answer["estimatedTotalHits"] == 1
