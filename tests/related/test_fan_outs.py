"""Fan-outs: what is related to a record is re-synced, whoever resolves it, in pages, and across crashes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from scrypath_celery.capture.inline import drain
from scrypath_celery.capture.result import SyncResult
from scrypath_celery.convergence import fan_out
from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.convergence.fan_out import FanOuts
from scrypath_celery.convergence.summary import Summary
from scrypath_celery.declaration.fan_out import FanOut
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.ledger import transitions, works
from scrypath_celery.ledger.sqlite import configure
from scrypath_celery.source import related
from scrypath_celery.work import PRIORITY, Mode, Operation, State
from tests.related.library import Author, Book, Library, Shelf, Tag, open_library


def rename(library: Library, model: Any, id: int = 1, **how: Any) -> SyncResult:
    with library.make() as session:
        record = session.get_one(model, id)
        record.name = "changed"
        result = library.capture.sync_related(record, session=session, **how)
        session.commit()
    return result


@pytest.mark.parametrize("owner", [Author, Tag, Shelf])
def test_a_change_of_the_owner_reaches_the_documents_that_are_related_to_it(library: Library, owner: Any) -> None:
    result = rename(library, owner)
    assert result.state == "accepted"
    [written] = library.works(Operation.FAN_OUT)
    assert (written.index_uid, written.ids, written.fan_out) == ("book", ("1",), f"{owner.__name__}.books")
    assert library.published == [("book", (written.id,))]
    assert library.drained().differing() == []
    [done] = library.works(Operation.FAN_OUT)
    assert done.state is State.SUCCEEDED
    assert library.works(Operation.UPSERT)[-1].ids == ("1", "2", "3")


@pytest.mark.parametrize("owner", [Author, Tag, Shelf])
def test_inline_has_related_documents_in_the_index_when_the_commit_returns(library: Library, owner: Any) -> None:
    result = rename(library, owner, sync_mode="inline")
    assert (result.state, result.reason) == ("completed", None)
    assert len(result.work_ids) == 2
    assert library.differing() == []
    assert library.published == []


def test_who_waits_for_a_call_waits_for_the_related_documents_too(library: Library) -> None:
    result = rename(library, Author)
    assert FanOuts(runtime=library.runtime, uid="book").page(Summary())
    assert result.wait(0.05).state == "accepted"
    library.drained()
    assert result.wait(5).state == "completed"
    assert library.differing() == []


def test_manual_hands_related_documents_to_the_engine(library: Library) -> None:
    result = rename(library, Author, sync_mode="manual")
    assert result.state == "accepted"
    assert result.engine_task_uids


def test_many_related_documents_are_read_in_pages_and_wait_behind_single_changes(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(related, "MAX_IDS", 2)
    rename(library, Author)
    found = FanOuts(runtime=library.runtime, uid="book")
    assert found.page(Summary())
    [first] = [work for work in library.works(Operation.UPSERT) if work.state is State.PENDING]
    assert (first.ids, first.priority) == (("1", "2"), PRIORITY[Operation.BACKFILL])
    [half] = library.works(Operation.FAN_OUT)
    assert (half.state, half.cursor) == (State.PENDING, (0, "2"))
    assert found.page(Summary())
    assert not found.page(Summary())
    assert [work.ids for work in library.works(Operation.UPSERT, states=(State.PENDING,))] == [("1", "2"), ("3",)]
    assert library.drained().differing() == []


def test_one_page_counts_as_a_single_change(library: Library) -> None:
    rename(library, Author)
    assert FanOuts(runtime=library.runtime, uid="book").page(Summary())
    [written] = library.works(Operation.UPSERT, states=(State.PENDING,))
    assert written.priority == PRIORITY[Operation.UPSERT]


def test_who_dies_between_two_pages_leaves_the_rest_to_another(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(related, "MAX_IDS", 1)
    rename(library, Author)
    found, asked = FanOuts(runtime=library.runtime, uid="book"), list[tuple[int, str | None]]()
    read = related.related_page

    def die_at_the_second(session: Any, route: Any, owners: Any, cursor: Any) -> Any:
        asked.append(cursor)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return read(session, route, owners, cursor)

    monkeypatch.setattr(fan_out, "related_page", die_at_the_second)
    assert found.page(Summary())
    with pytest.raises(KeyboardInterrupt):
        found.page(Summary())
    assert not found.page(Summary())  # its lease is not over
    library.runtime = replace(library.runtime, options=replace(library.runtime.options, lease=0.0))
    expire(library)
    assert library.drained().differing() == []
    assert asked == [(0, None), (0, "1"), (0, "1"), (0, "2"), (0, "3")]


def expire(library: Library) -> None:
    """End the leases of all fan-outs."""
    with library.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE scrypath_work SET available_at = 0 WHERE operation = 'fan_out'")


def test_of_two_that_resolve_the_same_page_one_writes(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    rename(library, Author)
    read = related.related_page

    def read_while_another_does(*args: Any) -> Any:
        monkeypatch.setattr(fan_out, "related_page", read)
        expire(library)
        assert FanOuts(runtime=library.runtime, uid="book").page(Summary())
        return read(*args)

    monkeypatch.setattr(fan_out, "related_page", read_while_another_does)
    assert FanOuts(runtime=library.runtime, uid="book").page(Summary())
    assert len(library.works(Operation.UPSERT, states=(State.PENDING,))) == 1


def test_what_is_linked_before_or_after_the_change_is_right_in_the_end(postgresql_url: str) -> None:
    library = open_library(postgresql_url)
    library.fill()
    with library.make() as session:
        session.add(Tag(id=3, name="old name"))
        session.commit()
    with library.make() as renaming, library.make() as linking:
        before = linking.get_one(Book, 1)
        before.tags.append(linking.get_one(Tag, 3))
        library.capture.sync_record(before, session=linking)
        linking.commit()
        tag = renaming.get_one(Tag, 3)
        tag.name = "new name"
        library.capture.sync_related(tag, session=renaming)
        run_ready_works(library.runtime, "book", seconds=5)  # what was linked is indexed with the old name
        renaming.commit()
        after = linking.get_one(Book, 2)
        after.tags.append(linking.get_one(Tag, 3))
        library.capture.sync_record(after, session=linking)
        run_ready_works(library.runtime, "book", seconds=5)
        linking.commit()
    assert library.drained().differing() == []
    library.engine.dispose()


def test_what_is_related_to_an_owner_that_is_deleted_is_registered_before(library: Library) -> None:
    with library.make() as session:
        author = session.get_one(Author, 1)
        library.capture.sync_related(author, session=session)
        session.delete(author)
        session.commit()
    assert ("book", "upsert", ("1", "2", "3")) in [
        (work.index_uid, work.operation, work.ids) for work in library.works(states=(State.PENDING,))
    ]
    assert library.drained().differing() == []


def test_a_rolled_back_call_leaves_no_fan_out(library: Library) -> None:
    with library.make() as session:
        library.capture.sync_related(session.get_one(Author, 1), session=session)
        session.flush()
        session.rollback()
    assert library.works(Operation.FAN_OUT) == []


def test_an_owner_without_a_session_is_registered_at_once(library: Library) -> None:
    with library.make() as session:
        author = session.get_one(Author, 1)
    library.capture.sync_related(author)
    assert [work.ids for work in library.works(Operation.FAN_OUT)] == [("1",)]


def test_an_asynchronous_session_registers_without_being_awaited(library: Library) -> None:
    async def change() -> str:
        engine = configure(create_async_engine(str(library.engine.url).replace("sqlite", "sqlite+aiosqlite", 1)))
        async with AsyncSession(engine) as session:
            author = await session.get_one(Author, 1)
            author.name = "changed"
            result = library.capture.sync_related(author, session=session, sync_mode="inline")
            await session.commit()
            await result.wait(10)
            await session.delete(author)
            library.capture.sync_related(author, session=session)
            await session.commit()
        await engine.dispose()
        return result.state

    assert asyncio.run(change()) == "completed"
    assert library.drained().differing() == []


def failing(library: Library, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise error

    monkeypatch.setattr(fan_out, "related_page", fail)
    rename(library, Shelf)


def test_a_resolve_that_raises_is_tried_again_and_then_is_a_dead_letter(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        failing(library, ValueError("a secret"), broken)
        for _ in range(library.runtime.options.max_attempts):
            expire(library)
            drain(library.runtime, rounds=1)
    [dead] = library.works(Operation.FAN_OUT)
    assert (dead.state, dead.reason_class, dead.error_code) == (State.FAILED, "source", "fan_out_raised")
    assert dead.reason == "Shelf.books of 1: its related records could not be read (ValueError)"
    library.runtime.ledger.run(lambda tx: transitions.move_one(tx, dead.id, State.PENDING))
    assert library.drained().works(Operation.FAN_OUT)[0].state is State.SUCCEEDED


def test_inline_says_that_a_resolve_raised(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> Any:
        raise ValueError

    monkeypatch.setattr(fan_out, "related_page", fail)
    result = rename(library, Shelf, sync_mode="inline")
    assert (result.state, result.reason) == ("accepted", "source")


def test_a_resolve_that_never_ends_is_given_up(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: Any) -> Any:
        raise SystemExit

    with monkeypatch.context() as deadly:
        deadly.setattr(fan_out, "related_page", die)
        rename(library, Shelf)
        for _ in range(library.runtime.options.max_claims):
            with pytest.raises(SystemExit):
                FanOuts(runtime=library.runtime, uid="book").page(Summary())
            expire(library)
    library.drained()
    [dead] = library.works(Operation.FAN_OUT)
    assert (dead.state, dead.error_code) == (State.FAILED, "never_settled")


def test_a_fan_out_of_another_release_is_left_as_it_is(library: Library) -> None:
    def of_a_newer(connection: Any) -> None:
        works.write(connection, "book", Operation.FAN_OUT, ["1"], Mode.CELERY, fan_out="Author.series")

    library.runtime.ledger.run(of_a_newer)
    library.drained()
    assert [work.state for work in library.works(Operation.FAN_OUT)] == [State.PENDING]


ANSWERS: dict[str, Callable[[Shelf, Session], Any]] = {
    "a select of records": lambda shelf, session: select(Book).where(Book.shelf_id == shelf.id),
    "a select of ids": lambda shelf, session: select(Book.id).where(Book.shelf_id == shelf.id),
    "an ordered select": lambda shelf, session: select(Book).order_by(Book.title.desc()).limit(10),
    "records": lambda shelf, session: session.scalars(select(Book)).all(),
    "rows": lambda shelf, session: session.execute(select(Book.id)),
    "ids": lambda shelf, session: [1, "2", 3, 3],
    "nothing": lambda shelf, session: None,
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_resolve_may_answer_with_a_statement_records_or_ids(answer: str, tmp_path: Path) -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"])
    schemas.add_owner(Shelf, {"books": FanOut(target=Book, resolve=ANSWERS[answer])})
    library = open_library(f"sqlite:///{tmp_path / 'library.db'}", schemas)
    library.fill()
    rename(library, Shelf)
    FanOuts(runtime=library.runtime, uid="book").page(Summary())
    expected = [] if answer == "nothing" else [("1", "2", "3")]
    assert [work.ids for work in library.works(Operation.UPSERT, states=(State.PENDING,))] == expected
    assert library.works(Operation.FAN_OUT)[0].state is State.SUCCEEDED
    library.engine.dispose()


@pytest.mark.parametrize("mode", ["celery", "inline"])
@pytest.mark.parametrize("chain", [True, False])
def test_fan_outs_follow_each_other_where_that_is_declared(tmp_path: Path, chain: bool, mode: str) -> None:
    schemas = Schemas()
    schemas.add(Book, fields=["title"], fan_outs=["tags"])
    schemas.add(Tag, fields=["name"])
    schemas.add_owner(Author, {"books": FanOut(resolve="books", chain=chain)})
    library = open_library(f"sqlite:///{tmp_path / 'library.db'}", schemas)
    library.fill()
    rename(library, Author, sync_mode=mode)
    library.drained()
    assert [work.ids for work in library.works(Operation.UPSERT) if work.index_uid == "tag"] == [("1",)] * chain
    assert {work.state for work in library.works()} == {State.SUCCEEDED}
    library.engine.dispose()


@pytest.mark.parametrize("database_url", ["postgresql", "mariadb"], indirect=True)
def test_every_database_resolves_every_kind_of_fan_out(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(related, "MAX_IDS", 2)
    library = open_library(database_url)
    library.fill(books=5)
    for owner in (Author, Tag, Shelf):
        rename(library, owner)
        assert library.drained().differing() == []
    library.engine.dispose()
