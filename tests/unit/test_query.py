"""From what a search asks to the engine's language."""

from __future__ import annotations

import enum
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import QueryError
from scrypath_celery.searching.query import body


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
    filterable=["status", "year", "studio", {"attributePatterns": ["price_*"]}],
    sortable=["year", "_geo"],
    tenant_field="tenant",
)


def filtered(filter: Any) -> str:
    return str(body(schema, "", filter=filter).get("filter", ""))


def test_a_search_asks_for_a_page_of_ids_counted_exactly() -> None:
    assert body(schema, "hello") == {"q": "hello", "page": 1, "hitsPerPage": 20, "attributesToRetrieve": ["id"]}
    assert body(schema, "", page=3, per_page=5)["page"] == 3


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
        ({"tenant": "acme"}, '"tenant" = "acme"'),
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
        ({"status": {"a": 1}}, "takes values and lists of values, not dict"),
        ({"status": [[1]]}, "takes values and lists of values, not list"),
        ({"status": object()}, "the filter on 'status' holds a object"),
        ({"year": float("nan")}, "NaN"),
    ],
)
def test_a_filter_that_is_not_declared_is_refused_by_name(filter: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        filtered(filter)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("year", ["year:asc"]),
        ("-year", ["year:desc"]),
        (["year:desc"], ["year:desc"]),
        (["_geoPoint(1.5, -2):asc", "year:asc"], ["_geoPoint(1.5, -2):asc", "year:asc"]),
    ],
)
def test_an_order_is_written_in_the_engines_language(sort: Any, expected: list[str]) -> None:
    assert body(schema, "", sort=sort)["sort"] == expected


def test_an_order_that_is_not_declared_is_refused_by_name() -> None:
    with pytest.raises(QueryError, match="does not declare 'yeer' as sortable; did you mean 'year'"):
        body(schema, "", sort="-yeer")


@pytest.mark.parametrize(("page", "per_page"), [(0, 20), (1, 0), (1, 1001)])
def test_a_page_that_does_not_exist_is_refused(page: int, per_page: int) -> None:
    with pytest.raises(QueryError, match="page starts at 1"):
        body(schema, "", page=page, per_page=per_page)


def test_a_query_that_is_no_text_is_refused() -> None:
    with pytest.raises(QueryError, match="not int"):
        body(schema, 5)  # type: ignore[arg-type]
