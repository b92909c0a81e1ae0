"""Two generations of the indexes, in two engines: writes are captured for both, and each is looked after by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.convergence.poll import poll
from scrypath_celery.convergence.proof import check
from scrypath_celery.convergence.relay import publish, relay
from scrypath_celery.declaration.generation import generation_of, index_of, name_in
from scrypath_celery.declaration.registry import Schemas
from scrypath_celery.errors import ConfigError, SchemaError
from scrypath_celery.ledger import indexes, maintenance, scheduled
from scrypath_celery.testing.engine import EngineUnderTest, engine_under_test
from tests.deadline import eventually
from tests.shop import Post, Setup, Shop

OLD, NEW = "posts", "posts-g2"
Open = Callable[..., Shop]


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Open]:
    """`open_shop(engine, generation=2)`: processes of one application, which share a database and capture for both."""
    opened = list[Shop]()

    def open_it(engine: EngineUnderTest, generation: int, generations: tuple[int, ...] = (1, 2), **more: Any) -> Shop:
        options = {"generation": generation, "generations": list(generations), **more}
        if engine.api_key:
            options["meilisearch_api_key"] = engine.api_key
        opened.append(
            Shop(
                Setup(
                    broker="redis://127.0.0.1:1/0",
                    database=f"sqlite:///{tmp_path / 'shop.db'}",
                    meilisearch_url=engine.url,
                    options=options,
                    index_prefix=engine.index_prefix,
                )
            ).create()
        )
        return opened[-1]

    yield open_it
    for shop in opened:
        shop.close()


@pytest.fixture
def other_engine() -> Iterator[EngineUnderTest]:
    """The engine that the application moves to."""
    with engine_under_test() as engine:
        yield engine


@pytest.fixture
def old(open_shop: Open, scrypath_engine: EngineUnderTest) -> Shop:
    return open_shop(scrypath_engine, generation=1)


@pytest.fixture
def new(open_shop: Open, other_engine: EngineUnderTest) -> Shop:
    return open_shop(other_engine, generation=2)


def written(shop: Shop) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(work.index_uid, work.operation.value, work.ids) for work in shop.works()]


@pytest.mark.parametrize(("uid", "index", "generation"), [("a", "a", 1), ("a-g2", "a", 2), ("a-g12", "a", 12)])
def test_a_uid_says_its_generation(uid: str, index: str, generation: int) -> None:
    assert (index_of(uid), generation_of(uid), name_in(index, generation)) == (index, generation, uid)


@pytest.mark.parametrize("uid", ["a-g1", "a-g0", "a-g02", "a-g", "-g2", "a-g2b", "a_g2"])
def test_no_other_ending_is_taken_for_a_generation(uid: str) -> None:
    assert (index_of(uid), generation_of(uid)) == (uid, 1)


def test_an_index_cannot_be_declared_with_the_ending_of_a_generation() -> None:
    with pytest.raises(SchemaError, match="Post: index 'posts-g2' ends like one of another generation: give index="):
        Schemas().add(Post, index=NEW)


@pytest.mark.parametrize("given", ["1,two", [0], [True], 2])
def test_what_is_no_list_of_generations_is_refused(open_shop: Open, other_engine: EngineUnderTest, given: Any) -> None:
    shop = open_shop(other_engine, generation=1)
    with (
        shop.search.override(generations=given) as search,
        pytest.raises(ConfigError, match="'generations' must be a list of whole numbers from 1"),
    ):
        _ = search.options


def test_generations_may_come_from_a_variable(old: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRYPATH_GENERATIONS", "3, 1")
    with old.search.override(generations=None) as search:
        assert search.options.generations == (3, 1)
        assert search.options.other_generations == (3,)


def test_the_workers_of_another_generation_have_queues_of_their_own(old: Shop, new: Shop) -> None:
    assert (old.search.options.queue, new.search.options.queue) == ("search_sync", "search_sync-g2")
    with new.search.override(queue="ours", bulk_queue="bulk") as search:
        assert (search.options.queue, search.options.bulk_queue) == ("ours-g2", "bulk-g2")


def test_each_process_works_with_the_indexes_of_its_generation(old: Shop, new: Shop) -> None:
    assert [shop.search.schemas.of(Post).uid for shop in (old, new)] == [OLD, NEW]
    assert old.search.schemas.by_uid(NEW) is None
    assert new.search.schemas.by_uid(NEW) is new.search.schemas.of(Post)
    assert new.search.schemas.by_uid(OLD) is None


@pytest.mark.parametrize("writer", ["old", "new"])
def test_a_call_is_captured_for_both(old: Shop, new: Shop, writer: str) -> None:
    shop = {"old": old, "new": new}[writer]
    shop.add(1, title="one")
    assert sorted(written(shop)) == [(OLD, "upsert", ("1",)), (NEW, "upsert", ("1",))]
    assert (old.search.drain().documents, new.search.drain().documents) == (1, 1)
    assert old.documents() == new.documents() == {1: "one"}


def test_tracked_flushes_and_statements_are_captured_for_both(old: Shop, new: Shop) -> None:
    old.search.track(old.Session)
    with old.Session.begin() as session:
        session.add_all([Post(id=1, title="one"), Post(id=2, title="two")])
    with old.Session.begin() as session:
        session.execute(update(Post).where(Post.id == 1).values(title="uno"))
        session.delete(session.get_one(Post, 2))
    old.search.untrack(old.Session)
    for shop in (old, new):
        shop.search.drain()
        assert shop.documents() == {1: "uno"}


def test_what_is_rolled_back_is_captured_for_neither(old: Shop) -> None:
    with old.Session() as session:
        session.add(post := Post(id=1, title="one"))
        old.search.sync_record(post, session=session)
        session.flush()
        session.rollback()
    assert written(old) == []


def test_a_call_without_a_session_and_one_for_later_are_captured_for_both(old: Shop) -> None:
    old.search.delete_document(Post, 7)
    assert sorted(written(old)) == [(OLD, "delete", ("7",)), (NEW, "delete", ("7",))]
    old.add(1)
    with old.Session.begin() as session:
        old.search.sync_record(session.get_one(Post, 1), at=datetime.now(UTC) + timedelta(hours=1))
    for uid in (OLD, NEW):
        assert old.search.ledger.read(partial(scheduled.waiting, index_uid=uid))[0] == 1


def test_a_result_speaks_of_the_generation_of_its_process(old: Shop) -> None:
    with old.search.override(sync_mode="inline"), old.Session.begin() as session:
        session.add(post := Post(id=1, title="one"))
        result = old.search.sync_record(post, session=session)
    assert result.state == "completed"
    assert len(result.work_ids) == 1
    assert [(work.index_uid, work.state.value) for work in old.works()] == [(OLD, "succeeded"), (NEW, "pending")]


def test_without_the_option_nothing_is_captured_for_others(open_shop: Open, scrypath_engine: EngineUnderTest) -> None:
    shop = open_shop(scrypath_engine, generation=1, generations=())
    shop.add(1)
    assert written(shop) == [(OLD, "upsert", ("1",))]


def test_each_relay_publishes_the_works_of_its_own_generation(old: Shop, new: Shop) -> None:
    old.add(1)
    for shop, uid in ((old, OLD), (new, NEW)):
        due = shop.search.ledger.run(partial(maintenance.due, again=0.0, generation=shop.search.options.generation))
        assert list(due) == ([] if uid == OLD else [NEW])  # the first is left to the process that wrote it, for a while
    assert publish(old.search.runtime) == 0


def test_each_generation_has_passes_of_its_own(old: Shop, new: Shop) -> None:
    assert relay(old.search.runtime) is not None
    assert relay(new.search.runtime) is not None
    assert relay(old.search.runtime) is None
    assert relay(new.search.runtime) is None


def test_an_engine_that_was_replaced_is_noted_for_its_own_indexes(
    old: Shop, new: Shop, other_engine: EngineUnderTest
) -> None:
    if other_engine.embedded is None:
        pytest.skip("a real engine is not emptied")
    old.add(1)
    old.search.drain()
    new.search.drain()
    assert not check(old.search.runtime)
    assert not check(new.search.runtime)
    other_engine.reset()
    assert not check(old.search.runtime)
    assert check(new.search.runtime)
    rows = {row.uid: row.lost_since for row in old.search.ledger.read(indexes.listed)}
    assert rows[OLD] is None
    assert rows[NEW] is not None


def test_works_that_wait_for_an_engine_are_concluded_by_its_own_processes(old: Shop, new: Shop) -> None:
    new.add(1, title="one")
    run_ready_works(new.search.runtime, NEW, seconds=10, wait=False)
    poll(old.search.runtime)
    assert (NEW, "submitted") in {(work.index_uid, work.state.value) for work in new.works()}
    eventually(lambda: poll(new.search.runtime), what="the engine is done")
    assert (NEW, "succeeded") in {(work.index_uid, work.state.value) for work in new.works()}


def test_an_engine_that_is_away_pauses_its_own_indexes_alone(
    old: Shop, open_shop: Open, other_engine: EngineUnderTest
) -> None:
    away = EngineUnderTest(url="http://127.0.0.1:1", index_prefix=other_engine.index_prefix)
    new = open_shop(away, generation=2, backoff=0.01)
    old.add(1, title="one")
    new.search.drain()
    old.search.drain()
    assert old.documents() == {1: "one"}
    assert [(work.index_uid, work.state.value) for work in old.works()] == [(OLD, "succeeded"), (NEW, "pending")]


def test_status_shows_the_generation_of_its_process_alone(old: Shop) -> None:
    old.add(1)
    status = old.search.sync_status()
    assert [row.index for row in status.indexes] == [old.search.runtime.uid_of(old.search.schemas.of(Post))]
    assert status.undeclared == {}


def test_triggers_write_for_both(old: Shop, new: Shop) -> None:
    assert len(old.search.ledger.triggers(Post).install()) == 2
    with old.engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO posts (id, title, body) VALUES (1, 'one', '')")
    for shop in (old, new):
        shop.search.drain()
        assert shop.documents() == {1: "one"}
    with old.search.override(generations=None):
        old.search.ledger.triggers(Post).remove()
    states = {one.schema: one.state.value for one in old.search.ledger.triggers(Post).status()}
    assert states == {"Post": "missing", "Post-g2": "installed"}
