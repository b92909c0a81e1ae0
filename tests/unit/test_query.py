"""From what a search asks to the engine's language."""

from __future__ import annotations

import enum
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import QueryError
from scrypath_celery.searching.query.body import query
from scrypath_celery.searching.query.geo import near


class Base(DeclarativeBase):
    pass


class Film(Base):
    __tablename__ = "film"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


class Mood(enum.Enum):
    DARK = "dark"


schemas = Schemas()
schema = schemas.add(
    Film,
    fields=["title"],
    filterable=["status", "year", "studio", "_geo", {"attributePatterns": ["price_*"]}],
    sortable=["year", "_geo"],
)


def filtered(filter: Any) -> str:
    return str(query(schema, "", filter=filter).body.get("filter", ""))


def test_a_search_asks_for_a_page_of_ids_counted_exactly() -> None:
    assert query(schema, "hello").body == {"q": "hello", "page": 1, "hitsPerPage": 20, "attributesToRetrieve": ["id"]}
    assert query(schema, "", page=3, per_page=5).body["page"] == 3


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (None, ""),
        ({}, ""),
        ("year > 2000 OR year = 1", "year > 2000 OR year = 1"),
        ({"status": "published"}, '"status" = "published"'),
        ({"status": None}, '"status" IS NULL'),
        ({"status": ["a", "b"]}, '"status" IN ["a", "b"]'),
        ({"status": []}, '"status" IN []'),
        ({"year": 2000, "status": True}, '"year" = 2000 AND "status" = true'),
        ({"year": -1.5}, '"year" = -1.5'),
        ({"year": 1e30}, '"year" = "1e+30"'),
        ({"status": Mood.DARK}, '"status" = "dark"'),
        ({"status": date(2026, 5, 1)}, '"status" = "2026-05-01"'),
        ({"price_eur": 5}, '"price_eur" = 5'),
        ({"studio.city": "Oslo"}, '"studio.city" = "Oslo"'),
        ({"year": {"gte": 2000, "lt": 2010}}, '"year" >= 2000 AND "year" < 2010'),
        ({"status": {"in": ["a"], "ne": "b"}}, '"status" IN ["a"] AND "status" != "b"'),
        ({"status": {"all": ["a", "b"]}}, '"status" = "a" AND "status" = "b"'),
        ({"status": {"not_in": ["a"]}}, 'NOT "status" IN ["a"]'),
        ({"status": ["a", None]}, '("status" IN ["a"] OR "status" IS NULL)'),
        ({"status": {"ne": None}}, '"status" IS NOT NULL'),
        ({"status": {"exists": True}}, '"status" EXISTS'),
        ({"status": {"exists": False, "empty": True}}, '"status" NOT EXISTS AND "status" IS EMPTY'),
        ({"status": {"starts_with": 'a"'}}, r'"status" STARTS WITH "a\""'),
        ({"year": range(2)}, '"year" IN [0, 1]'),
        ({"_geo": {"within_km": (59.9, 10.7, 5)}}, "_geoRadius(59.9, 10.7, 5000)"),
        ({"title": {"within_km": (59.9, 10.7, 0.5)}}, "_geoRadius(59.9, 10.7, 500)"),
        ({"_geo": {"within_box": ((2, 1), (1, 2))}}, "_geoBoundingBox([2, 1], [1, 2])"),
        ({"any": [{"year": 1}, {"year": 2, "status": "a"}]}, '("year" = 1 OR "year" = 2 AND "status" = "a")'),
        ({"not": {"year": 1}, "status": "a"}, 'NOT ("year" = 1) AND "status" = "a"'),
        ({"all": [{"year": 1}, "year = 1 OR year = 2"]}, '"year" = 1 AND (year = 1 OR year = 2)'),
        (["a = 1"], "a = 1"),
        ([["a = 1"]], "(a = 1)"),
        ([["a = 1", {"year": 2}], {"status": "a"}], '(a = 1 OR "year" = 2) AND "status" = "a"'),
        (["a = ')'", 'b = "\\" OR"'], """(a = ')') AND (b = "\\" OR")"""),
    ],
)
def test_a_filter_is_written_in_the_engines_language(filter: Any, expected: str) -> None:
    assert filtered(filter) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('say "hi"', r'"say \"hi\""'),
        ("it's", '"it\'s"'),
        ("back\\slash", r'"back\\slash"'),
        ("end\\", r'"end\\"'),
        ('\\" OR year = 1 OR "', r'"\\\" OR year = 1 OR \""'),
    ],
)
def test_nothing_in_a_value_can_end_its_quotes(text: str, expected: str) -> None:
    assert filtered({"status": text}) == f'"status" = {expected}'


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"statuss": 1}, "Film does not declare 'statuss' as filterable; did you mean 'status'"),
        ({"title": "x"}, "does not declare 'title' as filterable"),
        ({'status" = 1 OR "x': 1}, "does not declare"),
        ({"status": {"a": 1}}, "has no operator 'a'"),
        ({"status": {">=": 1}}, "has no operator '>='; operators are eq, ne, gt"),
        ({"status": {"gt": None}}, "cannot compare with None"),
        ({"status": {}}, "says nothing"),
        ({"status": {"in": "abc"}}, "take a list of values"),
        ({"status": {"exists": 1}}, "True or False"),
        ({"status": [[1]]}, "takes values, lists of values and operators, not list"),
        ({"status": b"x"}, "holds a value of the type bytes"),
        ({"price_eur": {"gte": 1}}, "without comparisons"),
        ({"title": {"gte": 1}}, "does not declare 'title' as filterable"),
        ({"nowhere": {"within_km": (1, 2, 3)}}, "has no field 'nowhere'"),
        ({"_geo": {"within_km": (91, 2, 3)}}, "numbers up to 90"),
        ({"_geo": {"within_km": (1, 2)}}, "latitude, longitude, kilometres"),
        ({"any": []}, "at least one filter"),
        ({"any": [{}]}, "says nothing"),
        ({"not": {}}, "says nothing"),
        ({1: 2}, "names fields by text"),
        (object(), "a filter is a dict, a list or text"),
        (b"x", "a filter is a dict, a list or text"),
        ([1], "a filter is a dict, a list or text"),
        ("a = 1)", "closes a bracket"),
        ("a = 1) OR (b = 2", "closes a bracket"),
        ("(a = 1", "leaves a bracket open"),
        ('a = "1', "cannot be read from character 5"),
        ("a = x'y'", "a quote within a word"),
        ("a IN [1, 2)", "closes a bracket"),
        ({"status": object()}, "the filter on 'status' holds a value of the type object"),
        ({"year": float("nan")}, "NaN"),
    ],
)
def test_a_filter_that_is_not_declared_is_refused_by_name(filter: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        filtered(filter)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (None, None),
        ("year", ["year:asc"]),
        (near(1.5, -2), ["_geoPoint(1.5, -2):asc"]),
        ("-year", ["year:desc"]),
        (["year:desc"], ["year:desc"]),
        (["_geoPoint(1.5, -2):asc", "year:asc"], ["_geoPoint(1.5, -2):asc", "year:asc"]),
    ],
)
def test_an_order_is_written_in_the_engines_language(sort: Any, expected: list[str]) -> None:
    assert query(schema, "", sort=sort).body.get("sort") == expected


def test_an_order_that_is_not_declared_is_refused_by_name() -> None:
    with pytest.raises(QueryError, match="does not declare 'yeer' as sortable; did you mean 'year'"):
        query(schema, "", sort="-yeer")


@pytest.mark.parametrize(("page", "per_page"), [(0, 20), (1, 0), (1, 1001), (True, 20)])
def test_a_page_that_does_not_exist_is_refused(page: int, per_page: int) -> None:
    with pytest.raises(QueryError, match=r"page starts at 1|per_page is a whole number"):
        query(schema, "", page=page, per_page=per_page)


def test_a_query_that_is_no_text_is_refused() -> None:
    with pytest.raises(QueryError, match="not int"):
        query(schema, 5)  # type: ignore[arg-type]
