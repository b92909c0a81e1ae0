"""Writing and reading beside each database, and commits in two phases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tests.blog import Blog, Page, Post, Seat, open_blog

pytestmark = pytest.mark.one_database


@pytest.fixture
def wide(database_url: str) -> Iterator[Blog]:
    """A blog in each kind of database."""
    opened = open_blog(database_url)
    yield opened
    opened.engine.dispose()


def test_works_join_transactions_and_savepoints(wide: Blog) -> None:
    with wide.make() as session:
        session.add(post := Post(title="one"))
        result = wide.capture.sync_record(post, session=session)
        savepoint = session.begin_nested()
        session.add(lost := Post(title="two"))
        wide.capture.sync_record(lost, session=session)
        session.flush()
        savepoint.rollback()
        session.commit()
        session.add(gone := Post(title="three"))
        wide.capture.sync_record(gone, session=session)
        session.flush()
        session.rollback()
    assert wide.works() == [("post", "upsert", ["1"])]
    assert result.state == "accepted"


def test_a_refused_statement_inside_a_savepoint_spoils_nothing(wide: Blog) -> None:
    wide.add(Post(id=1, title="one"))
    with wide.make() as session:
        session.add(post := Post(id=2, title="two"))
        wide.capture.sync_record(post, session=session)
        savepoint = session.begin_nested()
        session.add(double := Post(id=1, title="again"))
        wide.capture.sync_record(double, session=session)
        with pytest.raises(IntegrityError):
            session.flush()
        savepoint.rollback()
        session.commit()
    assert wide.works() == [("post", "upsert", ["2"])]


def test_a_commit_with_a_call_is_one_statement_more_of_the_same_text_each_time(wide: Blog) -> None:
    seen = []
    for title in ("first", "one", "two"):
        wide.statements.clear()
        with wide.make.begin() as session:
            session.add(post := Post(title=title))
            result = wide.capture.sync_record(post, session=session)
        seen.append(list(wide.statements))
    assert [text.split(" (")[0] for text in seen[1]] == ["INSERT INTO post", "INSERT INTO scrypath_work"]
    assert seen[1] == seen[2]
    assert wide.works()[-1:] == [("post", "upsert", ["3"])]
    assert result.work_ids == (3,)


@pytest.mark.filterwarnings("ignore:Note is reached")
def test_tracked_sessions_and_their_statements_are_captured(wide: Blog) -> None:
    wide.tracker.track(wide.make)
    with wide.make() as session:
        session.add_all([Page(slug="old"), Seat(row="a", number=1, label="x")])
        session.commit()
        session.execute(update(Page).where(Page.slug == "old").values(slug="new"))
        session.execute(update(Seat), [{"row": "a", "number": 1, "label": "y"}])
        session.commit()
    wide.tracker.untrack(wide.make)
    assert {id for _, _, ids in wide.works() for id in ids} == {"old", "new", "x-seat", "y-seat"}


def test_records_are_read_paged_and_counted(wide: Blog) -> None:
    wide.add(*(Page(slug=slug) for slug in ("a", "B", "c-1", "c_2", "D")))
    source, schema = wide.runtime.source, wide.schemas.of(Page)
    found = [id for page in source.pages(schema, 2) for id in page]
    assert sorted(found) == ["B", "D", "a", "c-1", "c_2"]
    assert source.count(schema) == 5
    reading = source.read(schema, ["a", "b", "c-1", "x"])
    assert (set(reading.documents), reading.gone) == ({"a", "c-1"}, ("b", "x"))


@pytest.mark.parametrize("database_url", ["mariadb"], indirect=True)
def test_a_commit_in_two_phases_takes_the_works_along(wide: Blog) -> None:
    with Session(wide.engine, twophase=True) as session:
        session.add(post := Post(title="one"))
        result = wide.capture.sync_record(post, session=session)
        session.prepare()
        assert result.state == "deferred"
        session.commit()
    assert result.state == "accepted"
    assert wide.works() == [("post", "upsert", ["1"])]
