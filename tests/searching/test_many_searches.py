"""Several searches at once: apart, with errors one by one, or merged into one list."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import event

from scrypath_celery import ALL, EntryOptions
from scrypath_celery.errors import IndexMissing, QueryError, SchemaError, SourceError, TenantRequired
from scrypath_celery.searching.entries import AnyEntry
from tests.searching.library import Article, Author, Library, Page, Ticket


def test_each_search_has_a_result_of_its_own(library: Library) -> None:
    entries: list[AnyEntry] = [
        (Article, "kettle", {"filter": {"status": "published"}, "facets": ["writer"]}),
        (Page, "kettle"),
        (Article, "chair"),
    ]
    with library.session() as session:
        found = library.search.search_many(entries, session=session, per_page=10)
        assert [[one.title for one in each] for each in found.ordered] == [
            ["Red kettle", "Green kettle"],
            ["About kettles"],
            ["Garden chair"],
        ]
    assert found.failures == ()
    assert [one.schema for one in found.ordered] == ["Article", "Page", "Article"]
    assert found.by_schema["Article"] is found.ordered[2]  # the last one of a schema
    assert found.ordered[0].facets == {"writer": {"Ann": 1, "Ann Lee": 1}}
    assert [one.slug for one in found.of(Page)] == ["about-kettles"]
    with pytest.raises(QueryError, match="Ticket is not among the searches"):
        found.of(Ticket)


def test_chosen_facets_count_as_if_off_among_several_searches(library: Library) -> None:
    chosen: EntryOptions = {"facets": ["status"], "facet_filter": {"status": "draft"}}
    with library.session() as session:
        found = library.search.search_many([(Article, "kettle", chosen), (Page, "")], session=session)
    assert found.ordered[0].facets["status"] == {"draft": 2, "published": 2}
    assert [one.total for one in found.ordered] == [2, 2]


def test_records_of_a_class_are_read_with_one_query_and_once(library: Library) -> None:
    statements: list[str] = []
    event.listen(library.database, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with library.session() as session:
        found = library.search.search_many([(Article, "kettle"), (Article, "red"), (Page, "")], session=session)
        assert len(statements) == 2
        assert found.ordered[1][0] is next(one for one in found.ordered[0] if one.title == "Red kettle")


def test_all_stands_for_the_allowed_classes(library: Library) -> None:
    with library.session() as session:
        found = library.search.search_many([(ALL, "kettle")], session=session, global_schemas=[Article, Page])
        assert list(found.by_schema) == ["Article", "Page"]
        with pytest.raises(QueryError, match="ALL stands for the classes of global_schemas="):
            library.search.search_many([(ALL, "kettle")], session=session)
        with pytest.raises(QueryError, match="2 searches are more than max_schemas=1"):
            library.search.search_many(
                [(ALL, "kettle")], session=session, global_schemas=[Article, Page], max_schemas=1
            )


def test_errors_come_one_by_one(fresh: Library) -> None:
    fresh.add(Page(slug="a", title="Kettle"))
    with fresh.session() as session:
        found = fresh.search.search_many(
            [(Article, "kettle"), (Page, "kettle"), (Page, "", {"filter": {"title": 1}})], session=session
        )
        assert [one.slug for each in found.ordered for one in each] == ["a"]
        first, second = found.failures
        assert (first.position, first.schema, type(first.error)) == (0, "Article", IndexMissing)
        assert (second.position, second.schema, type(second.error)) == (2, "Page", QueryError)
        assert "not declare 'title' as filterable" in second.reason
        with pytest.raises(IndexMissing):
            found.of(Article)
        empty = fresh.search.search_many([(Article, ""), (Page, "")], session=session, on_missing="empty")
    assert (empty.failures, [one.total for one in empty.ordered]) == ((), [0, 1])


def test_merged_hits_are_ranked_over_classes_by_weight(library: Library) -> None:
    with library.session() as session:
        light = library.search.search_many(
            ((Article, "kettles"), (Page, "kettles", {"federation_weight": 0.1})), session=session, federated=True
        )
        heavy = library.search.search_many(
            ((Article, "kettles", {"federation_weight": 0.1}), (Page, "kettles")), session=session, federated=True
        )
        assert light[-1].title == heavy[0].title == "About kettles"
        assert {type(one) for one in heavy} == {Article, Page}
    scores = [hit.score or 0 for hit in heavy.hits]
    assert scores == sorted(scores, reverse=True)
    assert heavy.hits[0].schema == "Page"


def test_a_part_of_a_merged_list_is_picked(library: Library) -> None:
    entries: list[AnyEntry] = [(Article, "kettle"), (Page, "kettle")]
    with library.session() as session:
        whole = library.search.search_many(entries, session=session, federated=True)
        part = library.search.search_many(
            entries, session=session, federated=True, federation_limit=2, federation_offset=1
        )
        assert part.records == whole.records[1:3]
    assert (part.limit, part.offset, len(whole)) == (2, 1, 5)


@pytest.mark.parametrize("refused", [{"facets": ["status"]}, {"page": 2}, {"per_page": 5}, {"offset": 1}])
def test_entries_of_a_merged_list_have_no_pages_and_no_facets(library: Library, refused: Any) -> None:
    with library.session() as session, pytest.raises(QueryError, match=f"a merged list has no {next(iter(refused))}="):
        library.search.search_many(((Article, "", refused), (Page, "")), session=session, federated=True)


def test_a_missing_index_is_named_by_a_merged_search_too(fresh: Library) -> None:
    fresh.add(Page(slug="a", title="Kettle"))
    entries: list[AnyEntry] = [(Article, "kettle"), (Page, "kettle")]
    with fresh.session() as session:
        with pytest.raises(IndexMissing, match="make it with `scrypath-celery reconcile Article"):
            fresh.search.search_many(entries, session=session, federated=True)
        found = fresh.search.search_many(entries, session=session, federated=True, on_missing="empty")
        assert [one.title for one in found] == ["Kettle"]


@pytest.mark.parametrize(
    ("entries", "shared", "error", "message"),
    [
        ([], {}, QueryError, "nothing to search"),
        ([(Article,)], {}, QueryError, "an entry of search_many is"),
        ([(Article, "", {"limit": 3})], {}, QueryError, "an entry of search_many has no option 'limit'"),
        ([(Article, "")], {"federation_weight": 2}, QueryError, "search_many has no option 'federation_weight'"),
        ([(Article, "")], {"federation_limit": 2}, QueryError, "give federated=True"),
        ([(Article, "", {"federation_weight": float("inf")})], {}, QueryError, "from 0 on, not inf"),
        ([(Article, "")], {"hydration_timeout": 0}, QueryError, "seconds above 0"),
        ([(Author, "")], {}, SchemaError, "has no search schema"),
        ([(Ticket, "")], {}, TenantRequired, "give tenant="),
    ],
)
def test_what_concerns_all_searches_is_raised(
    library: Library, entries: Any, shared: Any, error: type[Exception], message: str
) -> None:
    with library.session() as session, pytest.raises(error, match=message):
        library.search.search_many(entries, session=session, **shared)


def test_records_that_come_too_late_are_a_failure(library: Library) -> None:
    with library.session() as session:
        found = library.search.search_many([(Article, "kettle")], session=session, hydration_timeout=1e-9)
    assert [type(one.error) for one in found.failures] == [SourceError]
