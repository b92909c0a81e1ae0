"""From a query string to a search and back, and searches that keep to a scope."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qs

import pytest

from scrypath_celery import SearchParams
from scrypath_celery.errors import QueryError, TenantRequired
from tests.searching.library import Article, Library, Page, Ticket


def params(library: Library, query: Any, **options: Any) -> SearchParams:
    return SearchParams.from_query(query, library.search.capabilities(Article), **options)


def test_a_query_string_becomes_a_search_and_a_url_again(library: Library) -> None:
    text = "q=kettle&status=draft&status=published&price.gte=10&price.lt=42&tags.in=red&tags.in=blue&sort=-price&page=1"
    found = params(library, parse_qs(text))
    assert (found.q, found.valid, found.errors) == ("kettle", True, {})
    assert found.options == {
        "page": 1,
        "per_page": 20,
        "sort": ["-price"],
        "filter": {"price": {"gte": 10, "lt": 42}, "tags": {"in": ["red", "blue"]}},
        "facet_filter": {"status": ["draft", "published"]},
    }
    assert params(library, parse_qs(found.to_query())) == params(library, parse_qs(text.removesuffix("&page=1")))
    with library.session() as session:
        result = library.search.search(Article, found.q, session=session, **found.options)
    assert [one.id for one in result] == [1, 2]


def test_what_is_wrong_is_told_by_field_and_left_out(library: Library) -> None:
    given = {
        "page": "0",
        "per_page": "1000",
        "status": "gone",
        "price.gte": "cheap",
        "price.lt": "",
        "published_at.gt": "2026-13-01",
        "published_at.null": "perhaps",
        "sort": ["-secret", "price"],
        "q": "x" * 2_000,
        "utm_source": "mail",
        "org": "acme",
        "title.gte": "a",
    }
    found = params(library, given)
    assert found.errors == {
        "page": "must be a whole number from 1 to 1000000",
        "per_page": "must be a whole number from 1 to 100",
        "status": "must be one of draft, published",
        "price.gte": "must be a number",
        "published_at.gt": "must be a date or a time such as 2026-05-01T12:00:00",
        "published_at.null": "must be true or false",
        "sort": "must be one of price, title, id, _geo, with - in front for descending",
        "q": "must be at most 1000 characters",
    }
    assert not found.valid
    assert found.attempted["price.gte"] == ("cheap",)
    assert found.options == {"page": 1, "per_page": 20, "sort": ["price"]}


def test_dates_and_flags_are_read_as_what_they_are(library: Library) -> None:
    found = params(library, {"published_at.gte": "2026-06-01", "published_at.null": "false", "price": ["42", "19.50"]})
    assert found.options["filter"] == {"published_at": {"gte": date(2026, 6, 1), "null": False}}
    assert found.options["facet_filter"] == {"price": [42, 19.5]}
    assert params(library, parse_qs(found.to_query())).options == found.options


def test_mappings_of_flask_and_of_starlette_are_read(library: Library) -> None:
    from starlette.datastructures import QueryParams
    from werkzeug.datastructures import MultiDict

    pairs = [("status", "draft"), ("status", "published"), ("q", "a")]
    flask = params(library, MultiDict(pairs))
    starlette = params(library, QueryParams(pairs))
    assert flask == starlette
    assert flask.facet_filter == {"status": ["draft", "published"]}


def test_links_choose_and_drop_values_and_turn_pages(library: Library) -> None:
    found = params(library, {"q": "tea", "status": "draft", "page": "3", "per_page": "50"})
    assert found.is_chosen("status", "draft")
    assert found.toggled("status", "draft").to_query() == "q=tea&per_page=50"
    assert found.toggled("writer", "Bob").to_query() == "q=tea&status=draft&writer=Bob&per_page=50"
    assert found.with_page(4).to_query() == "q=tea&status=draft&per_page=50&page=4"
    assert params(library, {"per_page": "50"}, per_page=50).to_query() == ""


def test_capabilities_tell_what_can_be_asked(library: Library) -> None:
    can = library.search.capabilities(Article)
    assert (can.schema, can.searchable, can.sortable) == ("Article", ("title",), ("price", "title", "id", "_geo"))
    assert can.facetable == ("status", "writer", "tags", "price", "section.lvl0", "section.lvl1")
    assert "published_at" in can.filterable
    assert (can.kinds["price"], can.kinds["published_at"], can.kinds["status"]) == ("number", "datetime", "choice")
    assert can.choices == {"status": ("draft", "published")}
    tenants = library.search.capabilities(Ticket)
    assert (tenants.tenant_field, tenants.filterable, tenants.facetable) == ("org", ("state",), ("state",))


def test_a_caller_replaces_defaults_and_never_what_is_fixed(library: Library) -> None:
    shop = library.search.scoped(
        defaults={"sort": "price", "per_page": 2, "filter": {"writer": "Cid"}},
        fixed={"filter": {"status": "published"}, "page": 1},
    )
    with library.session() as session:
        assert [one.id for one in shop.search(Article, session=session, filter={})] == [1, 3]
        assert [one.id for one in shop.search(Article, session=session)] == []
        found = shop.search(Article, session=session, filter={"writer": "Bob"}, per_page=5, page=3)
        assert ([one.id for one in found], found.page, found.per_page) == ([5], 1, 5)
        for evasion in (
            {"status": "draft"},
            {"any": [{"status": "draft"}, {"price": {"gt": 0}}]},
            "price > 0 OR price < 0",
        ):
            found = shop.search(Article, session=session, filter=evasion, per_page=10)
            assert {one.status.value for one in found} <= {"published"}
        tea = shop.scoped(fixed={"filter": {"section.lvl1": "Home > Tea"}})
        assert [one.id for one in tea.search(Article, session=session, filter={})] == [1]
        many = tea.search_many([(Article, "", {"filter": {}}), (Article, "kettle", {"filter": None})], session=session)
        assert [[one.id for one in each] for each in many.ordered] == [[1], [1]]
    assert [one.value for one in shop.facet_values(Article, "writer", filter={})] == ["Ann", "Ann Lee", "Bob"]


def test_a_fixed_tenant_stays_the_only_one(library: Library) -> None:
    ours = library.search.scoped(fixed={"tenant": "acme"})
    with library.session() as session:
        assert sorted(one.id for one in ours.search(Ticket, session=session)) == [1, 3]
        assert sorted(one.id for one in ours.search(Ticket, session=session, tenant="acme")) == [1, 3]
        for other in ({"tenant": "globex"}, {"across_tenants": True}):
            with pytest.raises(QueryError, match="the tenant is fixed here"):
                ours.search(Ticket, session=session, **other)
            with pytest.raises(QueryError, match="the tenant is fixed here"):
                ours.search_many([(Ticket, "", other)], session=session)  # type: ignore[list-item]
        several = ours.search_many([(Ticket, ""), (Page, "")], session=session)
        assert [sorted(one.id for one in each) for each in several.ordered] == [[1, 3], [1, 2]]
        with pytest.raises(TenantRequired):
            library.search.scoped(defaults={"page": 1}).search(Ticket, session=session)
    with pytest.raises(QueryError, match="has no option 'pages'; did you mean 'page'"):
        library.search.scoped(fixed={"pages": 1})  # type: ignore[arg-type]


def test_a_fixed_choice_among_facets_cannot_be_replaced(library: Library) -> None:
    drafts = library.search.scoped(fixed={"facet_filter": {"status": "draft"}, "facets": ["status"]})
    with library.session() as session:
        found = drafts.search(Article, session=session, facet_filter={"writer": "Bob"})
        assert [one.id for one in found] == [2]
        with pytest.raises(QueryError, match="the choice of 'status' is fixed here"):
            drafts.search(Article, session=session, facet_filter={"status": "published"})
