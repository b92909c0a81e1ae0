"""Works for later: due when they were asked for, and replaced by a changed date."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Connection, select, update

from scrypath_celery import SyncResult
from scrypath_celery.capture.inline import drain
from scrypath_celery.errors import ConfigError
from scrypath_celery.ledger import scheduled, tables
from scrypath_celery.ledger.clock import now
from scrypath_celery.ledger.tables import work
from scrypath_celery.operator.serialization import to_datetime
from tests.blog import Blog, Post, open_blog

SOON = datetime.now(UTC) + timedelta(hours=1)
LATER = SOON + timedelta(days=1)


@pytest.fixture
def blog(database_url: str) -> Iterator[Blog]:
    """A blog with one post, which nobody has indexed."""
    blog = open_blog(database_url)
    blog.add(Post(id=1, title="one"))
    yield blog
    blog.engine.dispose()


def schedule(blog: Blog, at: datetime | None, *, keep: bool = True) -> SyncResult:
    with blog.make() as session:
        result = blog.capture.sync_record(session.get_one(Post, 1), session=session, at=at)
        session.commit() if keep else session.rollback()
    return result


def due(blog: Blog) -> list[float]:
    with blog.engine.connect() as connection:
        return list(connection.scalars(select(work.c.available_at).order_by(work.c.id)))


def test_nothing_is_done_before_it_is_due(blog: Blog) -> None:
    result = schedule(blog, SOON)
    assert (result.state, len(result.work_ids)) == ("accepted", 1)
    assert drain(blog.runtime).claims == 0
    assert blog.published == []
    assert blog.runtime.ledger.read(lambda tx: scheduled.waiting(tx, "post")) == (1, SOON.timestamp())


def test_it_is_done_when_it_is_due(blog: Blog) -> None:
    schedule(blog, SOON)
    with blog.engine.begin() as connection:
        connection.execute(update(work).values(available_at=now() - 1))
    assert len(drain(blog.runtime).succeeded) == 1
    assert blog.index.indexes["post"]["1"]["title"] == "one"


def test_a_changed_date_replaces_the_one_before(blog: Blog) -> None:
    schedule(blog, SOON)
    schedule(blog, LATER)
    assert due(blog) == [LATER.timestamp()]


@pytest.mark.parametrize("flushed", [False, True])
def test_of_the_dates_of_one_transaction_the_last_holds(blog: Blog, flushed: bool) -> None:
    with blog.make() as session:
        post, results = session.get_one(Post, 1), []
        for at in (SOON, LATER, SOON):
            results.append(blog.capture.sync_record(post, session=session, at=at))
            if flushed:
                post.title += "!"
                session.flush()
        session.commit()
    assert due(blog) == [SOON.timestamp()]
    assert [result.wait(0).state for result in results] == ["discarded", "discarded", "accepted"]


def test_a_date_that_is_rolled_back_with_its_savepoint_gives_way(blog: Blog) -> None:
    with blog.make() as session:
        post = session.get_one(Post, 1)
        for at in (SOON, LATER, SOON):
            blog.capture.sync_record(post, session=session, at=at)
        with session.begin_nested() as savepoint:
            blog.capture.sync_record(post, session=session, at=LATER)
            post.title = "two"
            session.flush()
            savepoint.rollback()
        session.commit()
    assert due(blog) == [SOON.timestamp()]


def test_a_rollback_leaves_what_was_scheduled_before(blog: Blog) -> None:
    schedule(blog, SOON)
    schedule(blog, LATER, keep=False)
    assert due(blog) == [SOON.timestamp()]


def test_what_is_due_already_is_no_longer_replaced(blog: Blog) -> None:
    schedule(blog, SOON)
    with blog.engine.begin() as connection:
        connection.execute(update(work).values(available_at=now() - 1))
    schedule(blog, LATER)
    assert len(due(blog)) == 2


def test_a_change_at_once_stands_beside_what_is_scheduled(blog: Blog) -> None:
    schedule(blog, SOON)
    schedule(blog, None)
    assert len(drain(blog.runtime).succeeded) == 1
    assert len(due(blog)) == 2


def test_a_time_that_is_past_means_now(blog: Blog) -> None:
    schedule(blog, datetime(2020, 1, 1, tzinfo=UTC))
    assert len(drain(blog.runtime).succeeded) == 1


def test_a_time_that_is_past_replaces_one_that_is_not(blog: Blog) -> None:
    schedule(blog, SOON)
    schedule(blog, datetime(2020, 1, 1, tzinfo=UTC))
    assert blog.runtime.ledger.read(lambda tx: scheduled.waiting(tx, "post")) == (0, None)
    assert len(drain(blog.runtime).succeeded) == len(due(blog)) == 1


def test_of_two_dates_in_one_transaction_the_last_holds_also_where_it_is_past(blog: Blog) -> None:
    with blog.make() as session:
        post = session.get_one(Post, 1)
        for at in (SOON, datetime(2020, 1, 1, tzinfo=UTC)):
            blog.capture.sync_record(post, session=session, at=at)
            session.flush()
        session.commit()
    assert blog.runtime.ledger.read(lambda tx: scheduled.waiting(tx, "post")) == (0, None)
    assert len(drain(blog.runtime).succeeded) == 1


def test_a_time_without_a_zone_is_refused(blog: Blog) -> None:
    with pytest.raises(ConfigError, match="a datetime with a time zone"):
        schedule(blog, SOON.replace(tzinfo=None))


def test_a_date_at_the_end_of_time_can_be_shown(blog: Blog) -> None:
    far = datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))
    schedule(blog, far)
    count, next_at = blog.runtime.ledger.read(lambda tx: scheduled.waiting(tx, "post"))
    assert (count, to_datetime(next_at)) == (1, datetime(9999, 12, 31, tzinfo=UTC))
    assert to_datetime(due(blog)[0]) == datetime(9999, 12, 31, tzinfo=UTC)


def test_ids_outside_a_session_can_be_scheduled_too(blog: Blog) -> None:
    with blog.make() as session:
        post = session.get_one(Post, 1)
    blog.capture.sync_record(post, at=SOON)
    assert due(blog) == [SOON.timestamp()]


def test_what_was_due_long_ago_is_forgotten(blog: Blog) -> None:
    schedule(blog, SOON)
    with blog.engine.begin() as connection:
        connection.execute(update(tables.scheduled).values(due_at=now() - 100_000))
        assert scheduled.prune(connection, "post") == 1


IMPATIENT = {"postgresql": "SET lock_timeout = '2s'", "mysql": "SET innodb_lock_wait_timeout = 2"}


@pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)
def test_transactions_that_reschedule_the_same_records_never_wait_for_each_other(blog: Blog) -> None:
    def write(connection: Connection, id: str) -> None:
        scheduled.write(connection, "post", [id], LATER.timestamp())

    with blog.engine.begin() as connection:
        scheduled.write(connection, "post", ["1", "2"], SOON.timestamp())
    with blog.engine.connect() as one, blog.engine.connect() as other:
        for connection in (one, other):
            name = connection.dialect.name.replace("mariadb", "mysql")
            connection.exec_driver_sql(IMPATIENT[name])
        write(one, "1")
        write(other, "2")
        write(one, "2")
        write(other, "1")
        one.commit()
        other.commit()
    assert due(blog) == [LATER.timestamp()] * 4
