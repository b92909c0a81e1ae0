"""A tiny blog: the mapped classes and the parts of one `Scrypath` that tests of writing and reading stand on."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, cast

from sqlalchemy import CursorResult, Engine, ForeignKey, String, UpdateBase, create_engine, event, select
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

from scrypath_celery.capture.capture import Capture
from scrypath_celery.capture.track import Tracker
from scrypath_celery.config import Options
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.ledger import Ledger
from scrypath_celery.ledger.tables import work
from scrypath_celery.runtime import Runtime
from scrypath_celery.source import Source
from tests.convergence.engine import MemoryEngine


class Base(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {str: String(200)}


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id"))
    name: Mapped[str]


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(default="post")
    title: Mapped[str]
    status: Mapped[str] = mapped_column(default="draft")
    published_at: Mapped[datetime | None]
    tags: Mapped[list[Tag]] = relationship(cascade="all, delete-orphan")

    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "post"}

    @hybrid_property
    def public(self) -> bool:
        return self.status == "published"

    @property
    def shout(self) -> str:
        return self.title.upper()

    @property
    def tag_names(self) -> list[str]:
        return [tag.name for tag in self.tags]


class Story(Post):
    __mapper_args__ = {"polymorphic_identity": "story"}


class Page(Base):
    """Its document id is not its primary key."""

    __tablename__ = "page"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str]
    code: Mapped[str | None]
    title: Mapped[str] = mapped_column(default="")


class Seat(Base):
    """A composite primary key, with a hybrid as document id."""

    __tablename__ = "seat"
    row: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]

    @hybrid_property
    def place(self) -> str:
        return self.label + "-seat"


class Note(Base):
    """Deleted by the database with its post."""

    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int | None] = mapped_column(ForeignKey("post.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(default="")


@dataclass
class Blog:
    """One database with its ledger, and what a `Scrypath` would build on it."""

    engine: Engine
    make: sessionmaker[Session]
    schemas: Schemas
    index: MemoryEngine
    runtime: Runtime
    published: list[tuple[str, tuple[int, ...]]]
    statements: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.capture = Capture(lambda: self.runtime)
        self.tracker = Tracker(self.schemas, self.capture)

    def option(self, **options: Any) -> None:
        self.runtime = replace(self.runtime, options=replace(self.runtime.options, **options))

    def works(self) -> list[tuple[str, str, list[str]]]:
        """Index, operation and ids of every committed work, in the order of writing."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(work.c.index_uid, work.c.operation, work.c.ids).order_by(work.c.id))
            return [(uid, operation, list(ids)) for uid, operation, ids in rows]

    def states(self) -> list[str]:
        with self.engine.connect() as connection:
            return list(connection.scalars(select(work.c.state).order_by(work.c.id)))

    def visible(self, session: Session) -> list[list[str]]:
        """The ids of the works that a session's own transaction sees."""
        return [list(ids) for ids in session.connection().scalars(select(work.c.ids).order_by(work.c.id))]

    def add(self, *records: Any) -> None:
        """Save records without capturing them."""
        with self.make() as session, self.capture.capture_disabled():
            session.add_all(records)
            session.commit()


def declared() -> Schemas:
    """Schemas of the blog, declared anew."""
    schemas = Schemas()
    schemas.add(Post, fields=["title"], filterable=["status"], sortable=["published_at"])
    schemas.add(Page, fields=["title"], document_id="slug")
    schemas.add(Seat, fields=["label"], document_id="place")
    schemas.add(Note, fields=["text"])
    return schemas


def executed(session: Session, statement: UpdateBase, values: dict[str, Any] | None = None) -> CursorResult[Any]:
    """What a statement that writes gives, with its count of rows."""
    return cast("CursorResult[Any]", session.execute(statement, values))


def open_blog(url: str, **engine_options: Any) -> Blog:
    """A blog in an empty database."""
    engine = create_engine(url, **engine_options)
    Base.metadata.create_all(engine)
    ledger = Ledger(lambda: engine)
    ledger.create_all()
    maker = sessionmaker(engine)
    index = MemoryEngine(random.Random(0))
    published: list[tuple[str, tuple[int, ...]]] = []
    schemas = declared()
    runtime = Runtime(
        options=Options(),
        schemas=schemas,
        ledger=ledger,
        engine=index,  # type: ignore[arg-type]
        source=Source(lambda: maker),
        publish=lambda uid, ids, **about: published.append((uid, ids)),
    )
    blog = Blog(engine, maker, schemas, index, runtime, published)
    event.listen(engine, "before_cursor_execute", lambda *args: blog.statements.append(args[2]))
    return blog
