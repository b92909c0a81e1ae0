"""What is related to a change is captured for every generation of the target's index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from scrypath_celery.work import Operation
from tests.related.library import Author, Library, Tag, open_library

BOTH = ["book", "book-g2"]


@pytest.fixture
def library(sqlite_url: str) -> Iterator[Library]:
    """A library that moves to another engine."""
    library = open_library(sqlite_url)
    library.fill()
    library.runtime = replace(library.runtime, options=replace(library.runtime.options, generations=(1, 2)))
    yield library
    library.engine.dispose()


def written(library: Library, *operations: Operation) -> list[tuple[str, str | None, tuple[str, ...]]]:
    found = library.works(*operations)
    return sorted(
        (work.index_uid, work.fan_out, tuple(sorted(work.ids))) for work in found if work.id > before(library)
    )


def before(library: Library) -> int:
    """The last work of the filling, which was captured for one generation alone."""
    return max(work.id for work in library.works(Operation.UPSERT) if work.state == "succeeded")


def test_a_fan_out_is_written_for_both(library: Library) -> None:
    with library.make.begin() as session:
        author = session.scalars(select(Author)).one()
        author.name = "Anne"
        library.capture.sync_related(author, session=session)
    key = "Author.books"
    assert written(library) == [(uid, key, ("1",)) for uid in BOTH]


def test_what_a_deletion_leads_to_is_read_once_and_written_for_both(library: Library) -> None:
    with library.make.begin() as session:
        tag = session.scalars(select(Tag).where(Tag.name == "red")).one()
        library.capture.sync_related(tag, session=session)
        session.delete(tag)
    assert written(library, Operation.UPSERT) == [(uid, None, ("1", "2", "3")) for uid in BOTH]


def test_a_tracked_change_of_links_is_written_for_both(library: Library) -> None:
    library.tracker.track(library.make)
    with library.make.begin() as session:
        blue = session.scalars(select(Tag).where(Tag.name == "blue")).one()
        blue.books.append(session.get_one(type(blue).books.property.mapper.class_, 2))
    library.tracker.untrack(library.make)
    upserts = {(uid, ids) for uid, _, ids in written(library, Operation.UPSERT)}
    assert {(uid, ("2",)) for uid in BOTH} <= upserts
