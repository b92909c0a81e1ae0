"""Tenants: nobody finds, counts or loads what belongs to another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from meilisearch import Client

from scrypath_celery import Scrypath
from scrypath_celery.embedded import EmbeddedEngine
from scrypath_celery.errors import ConfigError, QueryError, TenantRequired
from scrypath_celery.testing.engine import EngineUnderTest
from tests.searching.library import Article, Library, Page, Ticket, open_library


def test_a_search_without_a_tenant_is_refused(library: Library) -> None:
    with library.session() as session:
        for call in (
            lambda: library.search.search(Ticket, session=session),
            lambda: library.search.search(Ticket, session=session, tenant=None),
            lambda: library.search.search(Ticket, session=session, across_tenants=False),
            lambda: library.search.search_many([(Ticket, "")], session=session),
            lambda: library.search.search_many([(Ticket, "")], session=session, federated=True),
            lambda: library.search.facet_values(Ticket, "org"),
            lambda: library.search.hydrate(Ticket, [], session=session),
        ):
            with pytest.raises(TenantRequired, match="belongs to tenants by 'org'"):
                call()


def test_all_tenants_are_searched_on_request_alone(library: Library) -> None:
    with library.session() as session:
        assert library.search.search(Ticket, session=session, across_tenants=True).total == 4
        with pytest.raises(QueryError, match="not both"):
            library.search.search(Ticket, session=session, tenant="acme", across_tenants=True)


def test_a_tenant_finds_counts_and_loads_its_own(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(Ticket, "kettle", session=session, tenant="globex", facets=["state", "org"])
        assert [one.id for one in found] == [2]
        assert found.facets == {"state": {"open": 1}, "org": {"globex": 1}}
        several = library.search.search_many([(Ticket, "kettle"), (Page, "")], session=session, tenant="globex")
        assert [one.total for one in several.ordered] == [1, 2]
        merged = library.search.search_many(
            ((Ticket, "kettle"), (Page, "kettles")), session=session, tenant="globex", federated=True
        )
        assert sorted(str(one.id) for one in merged) == ["1", "2"]
        assert {getattr(one, "org", "globex") for one in merged} == {"globex"}
    assert [one.value for one in library.search.facet_values(Ticket, "org", tenant="globex")] == ["globex"]


def test_tenants_that_are_one_to_the_engine_are_two_to_us(library: Library) -> None:
    with library.session() as session:
        for tenant, ids in (("acme", [1, 3]), ("ACME", [4]), ("Acme", [])):
            found = library.search.search(Ticket, session=session, tenant=tenant)
            assert (sorted(one.id for one in found), found.missing) == (ids, ())
            assert not found.total_is_exact


def test_native_hits_of_another_tenant_are_left_out(library: Library) -> None:
    answer = library.search.meilisearch.index(Ticket).search("kettle")
    assert len(answer["hits"]) == 3
    with library.session() as session:
        found = library.search.hydrate(Ticket, answer, session=session, tenant="globex")
    assert ([one.id for one in found], found.missing) == ([2], ())


def test_a_document_whose_record_changed_hands_is_not_loaded(fresh: Library) -> None:
    fresh.add(Ticket(id=1, title="Kettle", state="open", org="acme"))
    with fresh.session() as session:
        ticket = session.get(Ticket, 1)
        assert ticket is not None
        ticket.org = "globex"
        session.commit()
        found = fresh.search.search(Ticket, session=session, tenant="acme")
    assert (found.records, found.missing) == ((), ("1",))


def test_the_engines_own_language_is_refused_beside_a_tenant(library: Library) -> None:
    with library.session() as session:
        for filter in ("state = open", ["state = open"], {"any": ["state = open"]}, [[{"state": "open"}, "state = x"]]):
            with pytest.raises(QueryError, match="engine's own language cannot be given with tenant="):
                library.search.search(Ticket, session=session, tenant="acme", filter=filter)
        found = library.search.search(Ticket, session=session, across_tenants=True, filter="state = closed")
        assert [one.id for one in found] == [3]


@pytest.mark.parametrize("tenant", [True, ["acme"], {"ne": "acme"}, 1.5, b"acme"])
def test_what_cannot_be_a_tenant_is_refused(library: Library, tenant: Any) -> None:
    with library.session() as session, pytest.raises(QueryError, match="tenant= takes"):
        library.search.search(Ticket, session=session, tenant=tenant)


def test_a_tenant_of_a_class_without_tenants_is_refused(library: Library) -> None:
    with library.session() as session, pytest.raises(QueryError, match="has no tenants"):
        library.search.search(Article, session=session, tenant="acme")


VALUES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["open", "closed", "acme", "globex", '" OR org = "globex', "x) OR (org EXISTS", "\\", '\\"', None]),
    st.integers(-5, 5),
    st.booleans(),
)
CONDITIONS = st.one_of(
    VALUES,
    st.lists(VALUES, max_size=3),
    st.fixed_dictionaries({}, optional={"ne": VALUES, "in": st.lists(VALUES, max_size=3), "exists": st.booleans()}),
)
FILTERS = st.recursive(
    st.dictionaries(st.sampled_from(["state", "org", "id", 'state" OR "org']), CONDITIONS, max_size=3),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
        st.lists(inner, max_size=2),
        st.lists(st.lists(inner, max_size=2), max_size=2),
    ),
    max_leaves=5,
)


@settings(
    max_examples=150,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(filter=FILTERS, tenant=st.sampled_from(["acme", "globex", "ACME", 'x" OR org EXISTS OR org = "', "nobody"]))
def test_no_filter_finds_what_belongs_to_another_tenant(library: Library, filter: Any, tenant: str) -> None:
    with library.session() as session:
        try:
            found = library.search.search(
                Ticket, session=session, tenant=tenant, filter=filter, facets=["org"], per_query={"retrieve": ["*"]}
            )
        except QueryError:
            return
    assert {hit.document["org"] for hit in found.hits} <= {tenant}
    assert {one.org for one in found} <= {tenant}
    assert found.missing == ()
    assert {org.lower() for org in found.facets["org"]} <= {tenant.lower()}  # case is nothing to the engine
    assert found.total <= {"globex": 1, "acme": 3, "ACME": 3}.get(tenant, 0)


def test_the_tenant_of_a_document_is_the_records(fresh: Library) -> None:
    def search_document(self: Ticket) -> dict[str, Any]:
        return {**fresh.search.default_document(self), "org": "stolen"}

    Ticket.search_document = search_document
    try:
        assert fresh.search.document(Ticket(id=1, title="x", state="open", org="acme"))["org"] == "acme"
    finally:
        del Ticket.search_document  # type: ignore[attr-defined]


SOON = timedelta(minutes=5)


def test_a_tenant_token_searches_one_tenant_alone() -> None:
    with (
        EmbeddedEngine(master_key="a-master-key-for-tests") as engine,
        open_library(EngineUnderTest(url=engine.url, api_key="a-master-key-for-tests", embedded=engine)) as library,
    ):
        library.add(
            Ticket(id=1, title="Kettle", state="open", org="acme"),
            Ticket(id=2, title="Kettle", state="open", org="globex"),
        )
        key = _key(library.search, ["search"], ["ticket"])
        token = library.search.tenant_token(Ticket, "globex", expires_at=datetime.now(UTC) + SOON, api_key=key["key"])
        hits = Client(engine.url, token).index("ticket").search("kettle")["hits"]
        assert [hit["id"] for hit in hits] == [2]
        with pytest.raises(ConfigError, match="never the master key"):
            library.search.tenant_token(Ticket, "globex", expires_at=datetime.now(UTC) + SOON)
        for actions, indexes, message in (
            (["documents.get"], ["*"], "may not search"),
            (["search"], ["other"], "is not for the index 'ticket'"),
        ):
            wrong = _key(library.search, actions, indexes)
            with pytest.raises(ConfigError, match=message):
                library.search.tenant_token(Ticket, "globex", expires_at=datetime.now(UTC) + SOON, api_key=wrong["key"])
        with (
            library.search.override(meilisearch_api_key=key["key"], meilisearch_url=engine.url),
            pytest.raises(ConfigError, match="give api_key_uid="),
        ):
            library.search.tenant_token(Ticket, "globex", expires_at=datetime.now(UTC) + SOON)


def _key(search: Scrypath, actions: list[str], indexes: list[str]) -> dict[str, Any]:
    client = Client(search.options.meilisearch_url, search.options.meilisearch_api_key)
    made = client.create_key({"actions": actions, "indexes": indexes, "expiresAt": None})
    return {"key": made.key, "uid": made.uid}


@pytest.mark.parametrize(
    ("model", "expires", "error", "message"),
    [
        (Article, SOON, QueryError, "Article has no tenants"),
        (Ticket, -SOON, QueryError, "is over already"),
        (Ticket, None, QueryError, "a datetime with a zone"),
    ],
)
def test_a_token_that_could_not_work_is_refused(
    library: Library, model: Any, expires: timedelta | None, error: type[Exception], message: str
) -> None:
    moment = datetime.now() if expires is None else datetime.now(UTC) + expires
    with pytest.raises(error, match=message):
        library.search.tenant_token(model, "acme", expires_at=moment, api_key="k")
