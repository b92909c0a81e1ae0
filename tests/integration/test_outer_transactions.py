"""Works that run in the caller, in a test's outer transaction that is never committed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from scrypath_celery.capture.inline import drain
from scrypath_celery.ledger.sqlite import configure
from tests.blog import Blog, Post, open_blog


@pytest.fixture(params=["sqlite", "postgresql"])
def wide(request: pytest.FixtureRequest) -> Iterator[Blog]:
    """A blog whose tasks are eager, in each kind of database that tests stand on."""
    opened = open_blog(request.getfixturevalue(f"{request.param}_url"))
    opened.engine.dispose()
    if request.param == "sqlite":
        configure(opened.engine)
    opened.runtime = replace(opened.runtime, eager=lambda: True)
    yield opened
    opened.engine.dispose()


JOINS: list[dict[str, Any]] = [
    {"join_transaction_mode": "create_savepoint"},
    {"join_transaction_mode": "rollback_only"},
    {},
]


@pytest.mark.parametrize("join", JOINS, ids=["in a savepoint", "in the transaction itself", "by default"])
@pytest.mark.parametrize("mode", ["celery", "inline", "manual"])
def test_a_commit_inside_an_outer_transaction_indexes_and_waits_for_nobody(
    wide: Blog, mode: str, join: dict[str, Any]
) -> None:
    wide.option(sync_mode=mode)
    with wide.engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, **join) as session:
            for title in ("one", "two"):
                session.merge(Post(id=1, title=title))
                session.flush()
                began = time.monotonic()
                result = wide.capture.sync_record(session.get_one(Post, 1))
                session.commit()
                assert time.monotonic() - began < 10
                assert result.state == ("completed" if mode == "inline" else "accepted")
                if mode == "manual":
                    drain(wide.runtime, connection=connection)
                assert wide.index.indexes["post"]["1"]["title"] == title
            session.delete(post := session.get_one(Post, 1))
            wide.capture.delete_record(post)
            session.commit()
            assert wide.index.indexes["post"] == {}
        outer.rollback()
    assert (wide.works(), wide.published) == ([], [])
    with wide.make() as session:
        assert session.get(Post, 1) is None


@pytest.mark.parametrize("mode", ["celery", "inline"])
def test_a_rolled_back_savepoint_inside_it_indexes_nothing(wide: Blog, mode: str) -> None:
    wide.option(sync_mode=mode)
    with wide.engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(post := Post(title="one"))
            wide.capture.sync_record(post)
            session.flush()
            session.rollback()
            session.commit()
        outer.rollback()
    assert (wide.works(), wide.index.indexes) == ([], {})
