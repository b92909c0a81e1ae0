"""What type checkers know of searches; read by mypy and pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import FederatedResult, Hit, ManyResult, PerQuery, Scrypath, SearchParams, SearchResult


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)


class Page(Base):
    __tablename__ = "page"
    id: Mapped[int] = mapped_column(primary_key=True)


def one(search: Scrypath, session: Session) -> None:
    found = search.search(
        Post,
        "words",
        session=session,
        filter={"status": "published", "price": {"gte": 10}},
        facets=["status", {"base": "section", "depth": 2}],
        per_query={"show_ranking_score": True, "highlight": {"fields": ["title"]}},
        tenant=7,
        on_missing="empty",
    )
    assert_type(found, SearchResult[Post])
    assert_type(found.records, tuple[Post, ...])
    assert_type(found[0], Post)
    assert_type(found[:2], tuple[Post, ...])
    assert_type(list(found), list[Post])
    assert_type(found.hits, tuple[Hit[Post], ...])
    assert_type(found.hits[0].record, Post)
    assert_type(found.hits[0].score, float | None)
    assert_type(found.facets["status"]["draft"], int)
    assert_type(found.facet_stats["price"].max, float)
    assert_type(search.scoped(fixed={"tenant": 7}).search(Post, session=session), SearchResult[Post])
    assert_type(search.hydrate(Post, [], session=session), SearchResult[Post])


def by_name(search: Scrypath, session: Session) -> None:
    assert_type(search.search("posts_internal", "words", session=session), SearchResult[Any])
    typed: SearchResult[Post] = search.search("posts_internal", "words", session=session)
    assert_type(typed[0], Post)
    assert_type(search.scoped().search("posts_internal", session=session), SearchResult[Any])
    assert_type(search.hydrate("posts_internal", [], session=session), SearchResult[Any])
    many = search.search_many([("posts_internal", "words"), (Page, "words")], session=session)
    assert_type(many.of("posts_internal"), SearchResult[Any])
    merged = search.search_many([("posts_internal", "words"), ("posts", "words")], session=session, federated=True)
    assert_type(merged, FederatedResult[Any])


async def later(search: Scrypath, session: AsyncSession) -> None:
    assert_type(await search.asearch(Post, "words", session=session), SearchResult[Post])


def many(search: Scrypath, session: Session) -> None:
    found = search.search_many([(Post, "words", {"per_page": 5}), (Page, "words")], session=session)
    assert_type(found, ManyResult)
    assert_type(found.of(Page), SearchResult[Page])


def federated(search: Scrypath, session: Session) -> None:
    alike = search.search_many([(Post, "words")], session=session, federated=True)
    assert_type(alike.records, tuple[Post, ...])
    pair = ((Post, "words"), (Page, "words"))
    assert_type(search.search_many(pair, session=session, federated=True), FederatedResult[Post | Page])
    merged = search.search_many(((Page, "a"), (Post, "b"), (Page, "c")), session=session, federated=True)
    assert_type(merged[0], Page | Post)
    assert_type(merged.hits[0].record, Page | Post)
    both: FederatedResult[Post | Page] = search.search_many(
        [(Post, "words"), (Page, "words", {"federation_weight": 2.0})], session=session, federated=True
    )
    assert_type(both.records, tuple[Post | Page, ...])


def edge(search: Scrypath, session: Session) -> None:
    params = SearchParams.from_query({"q": "words"}, search.capabilities(Post))
    assert_type(search.search(Post, params.q, session=session, **params.options), SearchResult[Post])
    tuning: PerQuery = {"ranking_score_threshold": 0.5}
    search.search(Post, session=session, per_query=tuning)


def wrong(search: Scrypath, session: Session) -> None:
    search.search(Post, session=session, pages=2)  # type: ignore[call-arg]
    search.search(Post, session=session, page="2")  # type: ignore[arg-type]
    search.search(Post, session=session, on_missing="none")  # type: ignore[arg-type]
    search.search(Post, session=session, per_query={"synonyms": 1})  # type: ignore[arg-type]
    search.search_many([(Post, "", {"limit": 2})], session=session)  # type: ignore[typeddict-unknown-key]
