"""Verification: exact however many differ, patient with work under way, and silent where there is no difference."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, cycle

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from scrypath_celery.errors import LedgerMissing
from scrypath_celery.ledger import tables, works
from scrypath_celery.operator import looks
from scrypath_celery.operator import verify as verifying
from scrypath_celery.operator.trace import trace
from scrypath_celery.operator.verify import verify
from scrypath_celery.work import Mode, Operation
from tests.shop import Post, Shop

MANY = 2_500
"""More than a page, and more than wait in memory for a second look."""


class Base(DeclarativeBase):
    pass


class Label(Base):
    __tablename__ = "labels"
    name: Mapped[str] = mapped_column(primary_key=True)


def insert(shop: Shop, ids: range) -> None:
    """Records of which the index is told nothing."""
    with shop.Session.begin() as session:
        session.add_all([Post(id=id, title="a title") for id in ids])


def post_by_hand(shop: Shop, ids: range) -> None:
    """Documents that another hand puts into the index."""
    index = shop.search.meilisearch.index(Post)
    task = index.add_documents([{"id": id, "title": "a title", "body": ""} for id in ids], "id")
    index.wait_for_task(task.task_uid, timeout_in_ms=30_000)


@pytest.mark.parametrize("ledger", [True, False])
def test_counts_are_exact_where_more_differ_than_are_listed(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, ledger: bool
) -> None:
    monkeypatch.setattr(verifying, "LISTED", 1_000)
    monkeypatch.setattr(looks, "SECOND_LOOK", 0.01)
    insert(shop, range(1, MANY + 1))
    post_by_hand(shop, range(10_001, 10_001 + MANY))
    found = shop.search.verify(Post, ledger=ledger)
    assert (found.counts["missing"], found.counts["ghost"], found.truncated) == (MANY, MANY, True)
    assert (len(found.missing), len(found.ghost)) == (1_000, 1_000)
    assert found.undecided == ()


def test_a_record_whose_id_no_document_can_have_is_told_beside_the_others(shop: Shop) -> None:
    Base.metadata.create_all(shop.engine)
    with shop.Session.begin() as session:
        session.add_all([Label(name="no id!"), Label(name="good")])
    shop.search.schema(fields=["name"])(Label)
    shop.search.delete_document(Label, "gone")
    shop.search.drain()
    found = shop.search.verify(Label)
    assert (found.index_exists, found.unprojectable, found.missing) == (True, ("no id!",), ("good",))
    assert trace(shop.search.runtime, shop.search.schemas.of(Label), "no id!") is not None


def test_a_repair_reaches_the_last_id_however_many_differ(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifying, "LISTED", 10)
    insert(shop, range(1, MANY + 1))
    done = shop.search.repair(Post)
    assert (done.requeued, done.deletions) == (MANY, 0)
    assert sorted(int(id) for work in shop.works() for id in work.ids) == list(range(1, MANY + 1))


def test_documents_that_work_is_open_for_are_undecided_and_all_others_decided(shop: Shop) -> None:
    insert(shop, range(1, MANY + 1))
    odd = [str(id) for id in range(1, MANY, 2)]
    for ids in (odd[:1_000], odd[1_000:]):
        shop.search.ledger.run(
            partial(works.write, index_uid="posts", operation=Operation.UPSERT, ids=ids, mode=Mode.CELERY)
        )
    found = verify(shop.search.runtime, shop.search.schemas.of(Post), patience=0.2)
    assert (found.counts["missing"], found.counts["undecided"]) == (MANY // 2, MANY // 2)
    assert {int(id) % 2 for id in found.undecided} == {1}


def test_an_index_of_other_tasks_is_verified_without_a_ledger(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SECOND_LOOK", 0.01)
    with shop.engine.begin() as connection:
        tables.metadata.drop_all(connection)
    insert(shop, range(1, 5))
    post_by_hand(shop, range(2, 6))
    found = shop.search.verify(Post, ledger=False)
    assert (found.missing, found.stale, found.ghost) == (("1",), (), ("5",))
    with pytest.raises(LedgerMissing):
        shop.search.verify(Post)


@contextmanager
def beside(act: Callable[[], object]) -> Iterator[Callable[[], int]]:
    """Do something again and again in a thread; yields how often it was done, and raises what went wrong."""
    over, failures, done = threading.Event(), list[Exception](), count()
    times = [0]

    def run() -> None:
        try:
            while not over.is_set():
                act()
                times[0] = next(done) + 1
        except Exception as exc:  # noqa: BLE001 - whatever it is, the test fails with it
            failures.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield lambda: times[0]
    finally:
        over.set()
        thread.join(60)
    assert failures == []


def writer(shop: Shop) -> Callable[[], None]:
    """Inserts, changes and deletes posts, one commit after the other."""
    ids, number = cycle(range(1, 301)), count()

    def act() -> None:
        id, turn = next(ids), next(number)
        with shop.Session.begin() as session:
            post = session.get(Post, id)
            if post is not None and turn % 5 == 0:
                shop.search.delete_record(post, session=session, sync_mode="inline")
                session.delete(post)
                return
            post = post or Post(id=id)
            post.title = f"title {turn}"
            session.add(post)
            shop.search.sync_record(post, session=session, sync_mode="inline")

    return act


def test_no_difference_is_found_under_constant_writes(shop: Shop) -> None:
    shop.add(*range(1, 601))
    shop.search.drain()
    with beside(writer(shop)) as written:
        while written() < 25:
            found = shop.search.verify(Post)
            assert (found.differs, found.undecided) == (False, ()), found
            assert found.complete


def test_no_difference_is_found_while_a_rebuild_cuts_over(shop: Shop) -> None:
    shop.add(*range(1, 601))
    shop.search.drain()

    def rebuild() -> None:
        assert shop.search.reindex(Post, sync_mode="inline", allow_shrink=True).cut_over

    with beside(writer(shop)), beside(rebuild) as rebuilt:
        while rebuilt() < 2:
            found = shop.search.verify(Post)
            assert (found.differs, found.undecided) == (False, ()), found
