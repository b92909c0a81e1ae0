"""The filter language."""

from __future__ import annotations

from typing import Any

import pytest

from scrypath_celery.embedded.refusal import Refusal
from scrypath_celery.embedded.search import SearchIndex, check_filter
from tests.embedded.search.shelf import index_of

pytestmark = pytest.mark.unit

THINGS: list[dict[str, Any]] = [
    {"id": 1, "size": 10, "color": "Red", "tags": ["a", "b"], "maker": {"name": "Kite"}, "note": None},
    {"id": 2, "size": "10", "color": "blue", "tags": [], "maker": {"name": "North"}, "note": ""},
    {"id": 3, "size": 2.5, "color": "Éclair", "tags": ["b"], "open": True},
    {"id": 4, "size": -3, "color": "dark blue", "tags": "c", "open": False, "maker": {}},
    {"id": 5, "list": [{"x": 1}, {"x": 2}], "color": ["red", "green"]},
    {"id": 6, "color": 'it\'s "quoted"', "date": "2024-06-01"},
]


@pytest.fixture(scope="module")
def things() -> SearchIndex:
    """An index where everything may be filtered."""
    return index_of(THINGS, filterableAttributes=["size", "color", "tags", "maker", "note", "open", "list.x", "date"])


def chosen(index: SearchIndex, filter: Any) -> list[int]:
    return [int(id) for id in index.select(filter, code="invalid_document_filter")]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("size = 10", [1, 2]),
        ("size = 10.0", [1]),
        ("size = '10'", [1, 2]),
        ("size != 10", [3, 4, 5, 6]),
        ("size > 2.5", [1]),
        ("size >= 2.5", [1, 3]),
        ("size < 0", [4]),
        ("size <= -3", [4]),
        ("size 2 TO 10", [1, 3]),
        ("size -5 TO 3", [2, 3, 4]),
        ("color = RED", [1, 5]),
        ("color = éclair", [3]),
        ("color = eclair", []),
        ("color IN [red, 'dark blue']", [1, 4, 5]),
        ("color IN[red,green,]", [1, 5]),
        ("color IN []", []),
        ("color NOT IN [red, blue]", [3, 4, 6]),
        ("NOT color IN [red, blue]", [3, 4, 6]),
        ("color STARTS WITH dark", [4]),
        ("color NOT STARTS WITH dark", [1, 2, 3, 5, 6]),
        ("tags = b", [1, 3]),
        ("tags = c", [4]),
        ("tags IS EMPTY", [2]),
        ("tags EXISTS", [1, 2, 3, 4]),
        ("tags NOT EXISTS", [5, 6]),
        ("note IS NULL", [1]),
        ("note IS NOT NULL", [2, 3, 4, 5, 6]),
        ("note IS EMPTY", [2]),
        ("note IS NOT EMPTY", [1, 3, 4, 5, 6]),
        ("maker IS EMPTY", [4]),
        ("maker.name = kite", [1]),
        ("maker.name EXISTS", [1, 2]),
        ("list.x = 2", [5]),
        ("open = true", [3]),
        ("open != true", [1, 2, 4, 5, 6]),
        ("date >= '2024-05'", [6]),
        ("date < '2024-05'", []),
        ("color = 'it\\'s \"quoted\"'", [6]),
        ('color = "it\'s \\"quoted\\""', [6]),
        ("size = 10 AND color = red OR size = 2.5", [1, 3]),
        ("size = 10 AND (color = red OR size = 2.5)", [1]),
        ("NOT (size = 10 OR color = red)", [3, 4, 6]),
        ("NOT NOT size = 2.5", [3]),
        ("  size=10  AND  color=red ", [1]),
        ("(((size = 10)))", [1, 2]),
        (["size = 10", "color = red"], [1]),
        ([["size = 10", "size = 2.5"], "tags = b"], [1, 3]),
        ([], [1, 2, 3, 4, 5, 6]),
        ("", [1, 2, 3, 4, 5, 6]),
        ([[], ""], [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_filter_chooses_documents(things: SearchIndex, filter: Any, found: list[int]) -> None:
    assert chosen(things, filter) == found


@pytest.mark.parametrize(
    "filter",
    [
        "size",
        "size =",
        "= 10",
        "size = 10 AND",
        "size = 10 color = red",
        "size = 10 XOR size = 3",
        "(size = 10",
        "size = 10)",
        "size ! 10",
        "size 3 TO",
        "size TO 3",
        "color IN red",
        "color IN [red",
        "color IN [red blue]",
        "color = 'red",
        "AND = 1",
        "size = AND",
        "tags IS",
        "tags IS NOT",
        "tags NOT",
        "color = a&b",
        "color = 'bad \\q'",
        "_geoRadius(1, 2)",
        "_geoRadius 1, 2, 3",
        "_geoBoundingBox([1, 2])",
        "_geoPolygon([1, 2], [3, 4])",
        "size = _geoPoint(1, 2)",
        "(" * 80 + "size = 1" + ")" * 80,
        5,
        True,
        {"size": 10},
        [5],
        [["size = 10", 5]],
        [[["size = 10"]]],
    ],
)
def test_what_is_no_filter_is_refused(things: SearchIndex, filter: Any) -> None:
    with pytest.raises(Refusal) as refused:
        chosen(things, filter)
    assert refused.value.code == "invalid_document_filter"
    with pytest.raises(Refusal) as refused:
        check_filter(filter, code="invalid_document_filter")
    assert refused.value.code == "invalid_document_filter"


def test_a_filter_that_says_nothing_is_refused_where_one_is_needed() -> None:
    nothings: list[Any] = ["", [], [[]]]
    for nothing in nothings:
        with pytest.raises(Refusal):
            check_filter(nothing, code="invalid_document_filter")
    check_filter("anything = 1", code="invalid_document_filter")


def test_contains_is_a_feature_that_is_off(things: SearchIndex) -> None:
    for filter in ("color CONTAINS blue", "NOT color NOT CONTAINS blue", ["size = 1", ["color CONTAINS blue"]]):
        with pytest.raises(Refusal) as refused:
            chosen(things, filter)
        assert refused.value.code == "feature_not_enabled"


@pytest.mark.parametrize("filter", ["other = 1", "'_geo' = 1", "_geoRadius(1, 2, 3)", "size = 10 OR other EXISTS"])
def test_only_filterable_attributes_may_be_filtered(things: SearchIndex, filter: str) -> None:
    with pytest.raises(Refusal) as refused:
        chosen(things, filter)
    assert refused.value.code == "invalid_document_filter"
    assert "Index `books`" in refused.value.message


def test_patterns_and_features_say_how_an_attribute_may_be_filtered() -> None:
    rules = [
        {
            "attributePatterns": ["si*"],
            "features": {"facetSearch": False, "filter": {"equality": True, "comparison": False}},
        },
        {
            "attributePatterns": ["*or"],
            "features": {"facetSearch": False, "filter": {"equality": False, "comparison": True}},
        },
    ]
    index = index_of(THINGS, filterableAttributes=rules)
    assert chosen(index, "size = 10") == [1, 2]
    assert chosen(index, "color > dark") == [1, 3, 4, 5, 6]
    for refused in ("size > 1", "color = red", "tags = b"):
        with pytest.raises(Refusal):
            chosen(index, refused)
