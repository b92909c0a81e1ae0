"""An application with mistakes, each of which type checkers name. Read by mypy and pyright, never run."""

from __future__ import annotations

from celery import Celery
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from scrypath_celery.testing.plugin import Drain, Override


class Base(DeclarativeBase):
    pass


app = Celery("shop")
engine = create_engine("sqlite://")
search = Scrypath(app, database=engine, meilisearch_ulr="http://127.0.0.1:7700")  # mistake


@search.schema(fields=["title"], filterble=["status"])  # mistake
class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def attach() -> None:
    search.init_app(app, database=engine, sync_mode="inlin")  # mistake
    search.init_app(app, database=7)  # mistake
    with search.override(lease="soon"):  # mistake
        pass


def write(session: Session, post: Post) -> None:
    search.sync_record(post, session=42)  # mistake
    search.delete_record(post, session=session, sync_mode="later")  # mistake
    search.delete_documents(Post, 7)  # mistake
    search.sync_related(post, schema="posts_internal")  # mistake
    search.schema(name="posts_internal", document="title")(Post)  # mistake
    search.schema(name="posts_internal", fields="title")(Post)  # mistake
    search.schema(name="posts_internal", sortable="title")(Post)  # mistake
    search.track("Session")  # mistake


def read(session: Session) -> None:
    search.search(Post, "words", session=session, per_page="20")  # mistake
    search.backfill(Post, where=["status"])  # mistake
    search.failed(Post, states=["lost"])  # mistake
    search.retry(Post, reason_clas="transport")  # mistake
    search.works(Post, limit="all")  # mistake
    search.cancel(Post, dry_rum=True)  # mistake
    search.reindex(Post, detatch=True)  # mistake
    search.backfill(Post, sync_mode="inlin")  # mistake
    search.search(Post, "words", session=session, after=7)  # mistake
    search.search_many([(Post, "words", {"fliter": {}})], session=session)  # mistake


def test(scrypath_override: Override, scrypath_drain: Drain) -> None:
    scrypath_override(search, databse=engine)  # mistake
    scrypath_override(search, sync_mode="of")  # mistake
    scrypath_drain(search, connection=engine)  # mistake


@search.on_dead_leter  # mistake
def tell(**payload: object) -> None: ...
