"""One search: records, facets, highlights, pages and orders, on a running engine."""

from __future__ import annotations

import asyncio
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import selectinload

from scrypath_celery import FacetStats, near
from scrypath_celery.errors import QueryError
from tests.searching.library import Article, Base, Library, Page, Status, article


def ids(library: Library, q: str = "", **wanted: Any) -> list[int]:
    with library.session() as session:
        return [one.id for one in library.search.search(Article, q, session=session, **wanted)]


def test_a_result_is_walked_through_counted_and_picked_from(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(Article, "kettle", session=session, sort="price")
        assert [one.title for one in found] == [
            "Poems about kettles",
            "Blue kettle",
            "Red kettle",
            "Green kettle",
        ]
        assert (len(found), found[0], found[1:2]) == (4, found.records[0], found.records[1:2])
        assert all(one in session for one in found.records)
    assert (found.total, found.total_is_exact, found.page, found.pages, found.missing) == (4, True, 1, 1, ())
    assert [hit.id for hit in found.hits] == ["4", "2", "1", "3"]
    assert found.schema == "Article"


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ({"status": "published"}, [1, 3, 5]),
        ({"status": Status.DRAFT}, [2, 4]),
        ({"status": ["draft", "published"], "writer": "Bob"}, [2, 5]),
        ({"price": {"gte": 10, "lt": 20}}, [1, 2]),
        ({"price": Decimal("42")}, [3, 5]),
        ({"price": {"gt": "19.5"}}, [3, 5]),
        ({"tags": {"in": ["green", "blue"]}}, [2, 3]),
        ({"tags": {"all": ["red", "hot"]}}, [1]),
        ({"tags": {"empty": True}}, [4, 5]),
        ({"published_at": None}, [2, 4]),
        ({"published_at": {"ne": None}}, [1, 3, 5]),
        ({"published_at": {"gte": date(2026, 6, 1)}}, [3, 5]),
        ({"published_at": {"gt": datetime(2026, 4, 1), "lte": datetime(2026, 6, 1)}}, [1, 5]),
        ({"section.lvl1": {"exists": True}, "section.lvl0": "Books"}, [4]),
        ({"_geo": {"within_km": (59.9, 10.7, 50)}}, [1]),
        ({"_geo": {"within_box": ((61, 12), (59, 4))}}, [1, 2]),
        ({"any": [{"writer": "Cid"}, {"price": {"gt": 40}}]}, [3, 4, 5]),
        ({"not": {"writer": ["Bob", "Cid"]}}, [1, 3]),
        ({"writer": {"not_in": ["Bob", "Cid"]}}, [1, 3]),
        ({"writer": {"starts_with": "Ann"}}, [1, 3]),
        ("price > 40 OR writer = Cid", [3, 4, 5]),
        (["price > 40 OR writer = Cid", {"status": "draft"}], [4]),
        ([["writer = Cid", {"writer": "Bob"}], {"price": {"lt": 20}}], [2, 4]),
        ({"writer": []}, []),
    ],
)
def test_filters_are_values(library: Library, filter: Any, expected: list[int]) -> None:
    assert sorted(ids(library, filter=filter)) == expected


@pytest.mark.parametrize(
    ("filter", "message"),
    [
        ({"status": "gone"}, "takes draft, published, not 'gone'"),
        ({"price": "cheap"}, "takes numbers, not str 'cheap'"),
        ({"price": {"gte": True}}, "cannot compare with True"),
        ({"published_at": {"gte": "yesterday"}}, "takes dates and times"),
        ({"title": "x"}, "does not declare 'title' as filterable: add it to filterable="),
    ],
)
def test_values_that_a_field_cannot_hold_are_refused(library: Library, filter: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        ids(library, filter=filter)


@pytest.mark.parametrize(
    "text", ['say "hi"', "it's", "back\\slash", "end\\", '\\"', '" OR price > 0 OR "', "a\nb", "é"]
)
def test_every_text_finds_what_has_it_and_nothing_else(fresh: Library, text: str) -> None:
    fresh.add(article(1, "one", writer=text), article(2, "two", writer="another"))
    assert ids(fresh, filter={"writer": text}) == [1]
    assert ids(fresh, filter={"writer": {"in": [text, "nobody"]}}) == [1]


def test_facets_are_counted_by_value_with_the_range_of_numbers(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(Article, session=session, facets=["status", "price", "tags"])
    assert found.facets["status"] == {"draft": 2, "published": 3}
    assert found.facets["tags"]["hot"] == 2
    assert found.facet_stats["price"] == FacetStats(min=5.25, max=42)


def test_a_facet_is_counted_as_if_its_own_choice_were_off(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(
            Article,
            "kettle",
            session=session,
            facets=["status", "writer"],
            facet_filter={"status": ["published"], "writer": ["Ann", "Bob"]},
        )
    assert [one.id for one in found] == [1]
    assert found.facets["status"] == {"draft": 1, "published": 1}
    assert found.facets["writer"] == {"Ann": 1, "Ann Lee": 1}


def test_all_facets_are_counted_by_a_star_with_choices_off_for_their_own(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(Article, session=session, facets=["*"], facet_filter={"status": "draft"})
    assert found.facets["status"] == {"draft": 2, "published": 3}
    assert found.facets["writer"] == {"Bob": 1, "Cid": 1}
    assert found.total == 2


def test_the_levels_of_a_hierarchy_open_below_what_was_chosen(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(
            Article,
            session=session,
            facets=[{"base": "section", "depth": 2}],
            facet_filter={"section.lvl0": "Home", "section.lvl1": "Home > Tea"},
        )
    assert sorted(one.id for one in found) == [1, 2]
    assert found.facets["section.lvl0"] == {"Books": 1, "Home": 4}
    assert found.facets["section.lvl1"] == {"Home > Garden": 2, "Home > Tea": 2}


def test_values_of_a_facet_are_searched(library: Library) -> None:
    values = library.search.facet_values(Article, "writer", "ann")
    assert [(one.value, one.count) for one in values] == [("Ann", 1), ("Ann Lee", 1)]
    narrowed = library.search.facet_values(Article, "writer", "ann", filter={"price": {"gt": 40}})
    assert [one.value for one in narrowed] == ["Ann Lee"]
    chosen = library.search.facet_values(Article, "writer", "", facet_filter={"writer": "Bob", "status": "draft"})
    assert [one.value for one in chosen] == ["Bob", "Cid"]


def test_a_search_is_tuned_within_an_allow_list(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(
            Article,
            "kettle",
            session=session,
            filter={"writer": "Cid"},
            per_query={
                "show_ranking_score": True,
                "show_ranking_score_details": True,
                "highlight": {"fields": ["title"], "pre_tag": "<b>", "post_tag": "</b>"},
                "crop": {"fields": ["title"], "length": 2},
                "retrieve": ["title"],
            },
        )
    (hit,) = found.hits
    assert hit.score is not None
    assert 0 < hit.score <= 1
    assert "words" in hit.score_details
    assert "<b>kettle</b>" in hit.highlights["title"]
    assert "Poems" not in hit.highlights["title"]
    assert hit.document == {"id": 4, "title": "Poems about kettles"}
    assert hit.record.title == "Poems about kettles"
    assert ids(library, "kettel", per_query={"ranking_score_threshold": 1.0}) == []


@pytest.mark.parametrize(
    ("per_query", "message"),
    [
        ({"matchingStrategy": "all"}, "does not take 'matchingStrategy'"),
        ({"highlights": ["title"]}, "did you mean 'highlight'"),
        ({"ranking_score_threshold": 2}, "a number from 0 to 1"),
        ({"show_ranking_score": "yes"}, "True or False"),
        ({"retrieve": "title"}, "a list of fields"),
        ({"crop": {"words": 3}}, "a list of fields, or a dict"),
        ({"synonyms": {}}, "does not take 'synonyms'"),
        ([], "takes a dict"),
    ],
)
def test_tuning_beyond_the_list_is_refused_before_the_request(library: Library, per_query: Any, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        ids(library, per_query=per_query)


def test_pages_and_offsets_walk_through_the_same_hits(library: Library) -> None:
    whole = ids(library, sort="price")
    assert whole == [4, 2, 1, 3, 5]  # equal prices by id, which is declared sortable
    pages = [ids(library, sort="price", page=page, per_page=2) for page in (1, 2, 3, 4)]
    assert pages == [[4, 2], [1, 3], [5], []]
    assert ids(library, sort="price", offset=1, per_page=3) == [2, 1, 3]
    with library.session() as session:
        found = library.search.search(Article, session=session, offset=4, per_page=2)
    assert (found.page, found.total_is_exact, found.offset) == (3, False, 4)
    with pytest.raises(QueryError, match="page= or offset="):
        ids(library, page=1, offset=1)


def test_hits_are_sorted_by_their_distance_from_a_point(library: Library) -> None:
    with library.session() as session:
        wanted = {"_geo": {"within_km": (60, 8, 500)}}
        found = library.search.search(Article, session=session, sort=near(60.4, 5.3), filter=wanted)
    assert [one.id for one in found] == [2, 1]
    assert found.hits[0].distance is not None
    assert found.hits[0].distance < 2_000


def test_loader_options_hold_for_records_and_one_query_reads_them(library: Library) -> None:
    statements: list[str] = []
    event.listen(library.database, "before_cursor_execute", lambda *args: statements.append(args[2]))
    with library.session() as session:
        found = library.search.search(Article, "red", session=session, options=[selectinload(Article.author)])
        assert len(statements) == 2
        assert found[0].author is not None
        assert found[0].author.name == "Ann"
        assert len(statements) == 2


def test_autocompletion_finds_beginnings_of_words(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(
            Article, "gar", session=session, per_page=5, per_query={"search_on": ["title"], "highlight": ["title"]}
        )
    assert [hit.highlights["title"] for hit in found.hits] == ["<em>Gar</em>den chair"]


def test_ids_without_a_record_are_told(fresh: Library) -> None:
    fresh.add(*(article(id, "kettle") for id in (1, 2)))
    with fresh.session() as session:
        session.delete(session.get(Article, 1))
        session.commit()
        found = fresh.search.search(Article, session=session)
    assert ([one.id for one in found], found.missing, found.total) == ([2], ("1",), 2)


def test_documents_of_another_id_than_the_primary_key_are_found(library: Library) -> None:
    with library.session() as session:
        found = library.search.search(Page, "kettles", session=session)
    assert ([one.title for one in found], found.hits[0].id) == (["About kettles"], "about-kettles")


def test_native_hits_become_records(library: Library) -> None:
    answer = library.search.meilisearch.index(Article).search("garden", {"limit": 5, "sort": ["price:desc"]})
    with library.session() as session:
        found = library.search.hydrate(Article, answer, session=session)
        assert [one.id for one in found] == [5]
        assert found.hits[0].document["title"] == "Garden chair"
        assert [one.id for one in library.search.hydrate(Article, answer["hits"][::-1], session=session)] == [5]
        with pytest.raises(QueryError, match="a hit holds no 'id'"):
            library.search.hydrate(Article, [{"title": "x"}], session=session)


def test_an_async_session_gets_the_same(library: Library, tmp_path: Path) -> None:
    async def story() -> None:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'copy.db'}")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine) as session:
            session.add(article(3, "Green kettle"))
            await session.flush()
            found = await library.search.asearch(Article, "green", session=session, facets=["status"])
            assert [one.title for one in found] == ["Green kettle"]
            assert found.facets == {"status": {"published": 1}}
            both = await library.search.asearch_many([(Article, "green"), (Page, "about")], session=session)
            assert [one.total for one in both.ordered] == [1, 1]
            entries = [(Article, "green"), (Article, "red")]
            merged = await library.search.asearch_many(entries, session=session, federated=True)
            assert ([one.id for one in merged], merged.missing) == ([3], (("Article", "1"),))
        await engine.dispose()

    asyncio.run(story())
