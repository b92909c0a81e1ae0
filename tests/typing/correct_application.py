"""An application without a mistake: type checkers have nothing to say of it. Read by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from celery import Celery
from sqlalchemy import Engine, create_engine
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker

from scrypath_celery import Mode, Scrypath, SearchResult, State, SyncResult
from scrypath_celery.operator.receipt import Stage
from scrypath_celery.testing.plugin import Drain, Override


class Base(DeclarativeBase):
    pass


app = Celery("shop")
search = Scrypath(app, database=create_engine("sqlite://"), meilisearch_url="http://127.0.0.1:7700", lease=30)


@search.schema(fields=["title"], filterable=["status"], sortable=["id"])
class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    status: Mapped[str]


def internal(post: Post) -> dict[str, Any]:
    return {"title": post.title, "status": post.status}


search.schema(name="posts_internal", fields=["title"], document=internal)(Post)


def database() -> Engine:
    return create_engine("sqlite://")


def attach() -> None:
    empty = Scrypath()
    empty.init_app(app, database=sessionmaker(create_engine("sqlite://")), sync_mode="inline", include=["shop.models"])
    Scrypath(app, database=database, sync_mode=Mode.MANUAL)
    Scrypath(app, database=async_sessionmaker(create_async_engine("sqlite+aiosqlite://")), index_prefix="shop")
    with empty.override(queue="other", engine_timeout=2.5) as other:
        assert_type(other, Scrypath)


def write(session: Session, registry: scoped_session[Session], post: Post) -> None:
    assert_type(search.sync_record(post, session=session), SyncResult)
    search.sync_records([post], session=registry, sync_mode="manual")
    search.delete_record(post, session=session, sync_mode=Mode.INLINE)
    search.delete_document(Post, 7, session=session)
    search.delete_documents(Post, [7, 8])
    search.sync_record(post, schema="posts_internal", at=datetime.now(UTC))
    search.delete_records([post], schema="posts_internal")
    search.delete_document("posts_internal", 7)


def track(engine: Engine, session: Session) -> None:
    factory = sessionmaker(engine)
    search.track(factory)
    search.track(scoped_session(factory))
    search.track(type(session))
    search.track(async_sessionmaker(create_async_engine("sqlite+aiosqlite://")))
    search.untrack(factory)


async def write_later(session: AsyncSession, registry: async_scoped_session[AsyncSession], post: Post) -> None:
    search.sync_record(post, session=session)
    search.delete_records([post], session=registry)
    result = search.sync_records([post], session=session, at=None)
    await session.commit()
    found = await search.asearch(Post, "words", session=registry, after=await result.wait(5))
    assert_type(found.records[0], Post)
    await search.asearch_many([(Post, "words", {"filter": {"status": "published"}})], session=session)


def read(session: Session) -> Iterable[Post]:
    found = search.search(Post, "words", session=session, filter={"status": "published"}, sort=["-id"])
    assert_type(found, SearchResult[Post])
    document: dict[str, Any] = search.document(found[0])
    return found if document else []


@search.on_dead_letter
def tell_the_team(sender: Any, schema: str, works: tuple[int, ...], **payload: Any) -> None: ...


@search.on_settled(Post)
def measure(sender: Any, seconds: float, **payload: Any) -> None: ...


def operate() -> None:
    search.backfill(Post, where={"status": "published"}, sync_mode="inline")
    search.reindex(Post, keep_old=60.0)
    search.verify(Post, sample=100)
    page = search.failed(Post, since=timedelta(minutes=10), reason_class="transport", by="hour", limit=None)
    search.works(states=["running", State.PENDING], order="oldest", after=page.next)
    assert_type(search.retry(code="timeout", until=datetime.now(UTC), dry_run=True).done, tuple[int, ...])
    search.cancel(Post, ids=[601, 602], by="anna")
    assert_type(search.receipt(601, seconds=5).stage, Stage)


def test(engine: Engine, scrypath_override: Override, scrypath_drain: Drain) -> None:
    assert_type(scrypath_override(search, database=engine, sync_mode="off", lease=1), Scrypath)
    with engine.connect() as connection:
        assert_type(scrypath_drain(search, connection=connection).documents, int)
