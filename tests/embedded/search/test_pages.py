"""Pages, totals and distinct."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.embedded.search import SearchIndex
from tests.embedded.search.shelf import ids, index_of, refusal

pytestmark = pytest.mark.unit


def numbered(count: int = 10, **changes: Any) -> SearchIndex:
    """Documents 1 to `count`, in three groups, the last document in none."""
    documents: list[dict[str, Any]] = [{"id": n, "text": "word", "group": n % 3} for n in range(1, count)]
    changes.setdefault("filterableAttributes", ["group"])
    return index_of([*documents, {"id": count, "text": "word"}], **changes)


@pytest.mark.parametrize("q", [None, "word"])
def test_an_offset_and_a_limit_cut_a_page(q: str | None) -> None:
    answer = numbered().search({"q": q, "offset": 3, "limit": 2})
    assert [hit["id"] for hit in answer["hits"]] == [4, 5]
    assert (answer["offset"], answer["limit"], answer["estimatedTotalHits"]) == (3, 2, 10)
    assert answer["query"] == (q or "")
    assert "totalHits" not in answer


def test_pages_are_numbered_from_one_and_know_their_total() -> None:
    answer = numbered().search({"page": 3, "hitsPerPage": 4})
    assert [hit["id"] for hit in answer["hits"]] == [9, 10]
    assert (answer["page"], answer["hitsPerPage"], answer["totalPages"], answer["totalHits"]) == (3, 4, 3, 10)
    assert "limit" not in answer
    assert "estimatedTotalHits" not in answer


def test_page_zero_and_pages_of_none_are_empty() -> None:
    assert numbered().search({"page": 0})["hits"] == []
    answer = numbered().search({"hitsPerPage": 0})
    assert (answer["hits"], answer["totalPages"], answer["totalHits"]) == ([], 0, 10)


def test_no_page_reaches_beyond_the_most_hits_that_the_settings_allow() -> None:
    index = numbered(pagination={"maxTotalHits": 4})
    assert ids(index, limit=100) == [1, 2, 3, 4]
    assert ids(index, offset=3, limit=5) == [4]
    assert ids(index, offset=9, limit=5) == []
    assert index.search({})["estimatedTotalHits"] == 10


@pytest.mark.parametrize("q", [None, "word"])
def test_distinct_keeps_the_best_of_each_value_and_all_that_have_none(q: str | None) -> None:
    answer = numbered().search({"q": q, "distinct": "group"})
    assert [hit["id"] for hit in answer["hits"]] == [1, 2, 3, 10]
    assert answer["estimatedTotalHits"] == 4
    assert numbered().search({"q": q, "distinct": "group", "page": 1, "hitsPerPage": 3})["totalHits"] == 4


def test_the_setting_for_distinct_needs_no_filter_and_gives_way_to_the_request() -> None:
    assert ids(numbered(distinctAttribute="group", filterableAttributes=[])) == [1, 2, 3, 10]
    documents = [{"id": 1, "a": 1, "b": 1}, {"id": 2, "a": 1, "b": 2}]
    index = index_of(documents, distinctAttribute="a", filterableAttributes=["b"])
    assert ids(index) == [1]
    assert ids(index, distinct="b") == [1, 2]
    assert refusal(index, {"distinct": "a"}) == "invalid_search_distinct"


def test_facets_count_every_document_that_fits_and_not_the_page() -> None:
    assert numbered().search({"facets": ["group"], "limit": 1})["facetDistribution"] == {
        "group": {"0": 3, "1": 3, "2": 3}
    }
