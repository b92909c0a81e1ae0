"""Whatever is written, committed or rolled back: every index of a class, in both generations, ends as the database."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, select, update
from sqlalchemy.orm import Session, sessionmaker

from scrypath_celery.capture.capture import Capture
from scrypath_celery.capture.inline import drain
from scrypath_celery.capture.track import Tracker
from scrypath_celery.config import Options
from scrypath_celery.declaration.document import project
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.ledger import Ledger, sqlite
from scrypath_celery.runtime import Runtime
from scrypath_celery.source import Source
from scrypath_celery.work import Cause
from tests.convergence.engine import MemoryEngine
from tests.integration.test_several_indexes import INTERNAL, PUBLIC, Base, Post

STEPS = 25


def internal(post: Post) -> dict[str, Any]:
    return {"title": post.title, "notes": post.notes}


def leave(index: str, ids: tuple[int, ...], *, cause: Cause = Cause.SYNC, documents: int | None = None) -> None:
    """Publish nothing: what is due is run when it is drained."""


class Process:
    """A process of one generation: it captures for both, and runs the works of its own."""

    def __init__(self, database: Engine, make: sessionmaker[Session], generation: int) -> None:
        self.index, self.make = MemoryEngine(random.Random(0)), make
        self.schemas = Schemas(lambda: generation)
        self.schemas.add(Post, name=PUBLIC, fields=["title"], index_if="is_public")
        self.schemas.add(Post, name=INTERNAL, fields=["title"], document=internal, depends_on=["title", "notes"])
        self.runtime = Runtime(
            options=Options(generation=generation, generations=(1, 2)),
            schemas=self.schemas,
            ledger=Ledger(lambda: database),
            engine=self.index,  # type: ignore[arg-type]
            source=Source(lambda: make),
            publish=leave,
        )
        self.capture = Capture(lambda: self.runtime)
        self.tracker = Tracker(self.schemas, self.capture)

    def differing(self) -> list[tuple[str, str]]:
        """Index and id of each document that is missing, stale or a ghost."""
        found = []
        for schema in self.schemas:
            with self.make() as session:
                posts = [one for one in session.scalars(select(Post)) if schema.indexable(one)]
                wanted = {str(post.id): project(schema, post) for post in posts}
            held = self.index.indexes.get(schema.uid, {})
            found += [(schema.uid, id) for id in wanted.keys() | held.keys() if wanted.get(id) != held.get(id)]
        return found


def change(chance: random.Random, session: Session) -> list[Post]:
    """Change something, in the session or by a statement; the records that a call would have to name."""
    word, posts = str(chance.random()), list(session.scalars(select(Post)))
    post = chance.choice(posts) if posts else None
    match chance.randrange(6):
        case 0 | 1:
            session.add(post := Post(title=word, is_public=chance.random() < 0.5))
        case 2 if post is not None:
            post.title = word
        case 3 if post is not None:
            post.notes = word
        case 4 if post is not None:
            post.is_public = not post.is_public
        case 5 if post is not None:
            session.delete(post)
        case _:
            return []
    return [post] if post is not None else []


def write(chance: random.Random, process: Process, *, tracked: bool) -> None:
    """One transaction, perhaps with a savepoint, which is perhaps rolled back."""
    with process.make() as session:
        for _ in range(chance.randint(1, 3)):
            with session.begin_nested() as savepoint:
                named = change(chance, session)
                if not tracked:
                    process.capture.sync_records(named, session=session)
                if tracked and chance.random() < 0.2:
                    session.execute(update(Post).where(Post.id < 3).values(notes=str(chance.random())))
                if chance.random() < 0.2:
                    savepoint.rollback()
        session.rollback() if chance.random() < 0.2 else session.commit()


@pytest.mark.parametrize("seed", range(12))
def test_every_index_ends_as_the_database_says(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    database = sqlite.configure(create_engine(f"sqlite:///{tmp_path / 'posts.db'}"))
    make = sessionmaker(database)
    Base.metadata.create_all(database)
    Ledger(lambda: database).create_all()
    processes = [Process(database, make, generation) for generation in (1, 2)]
    tracked = bool(seed % 2)
    for _ in range(STEPS):
        process = chance.choice(processes)
        if tracked:
            process.tracker.track(make)
        write(chance, process, tracked=tracked)
        if tracked:
            process.tracker.untrack(make)
        if chance.random() < 0.3:
            drain(chance.choice(processes).runtime)
    for process in processes:
        drain(process.runtime)
    assert [process.differing() for process in processes] == [[], []]
    database.dispose()
