"""A reindex: nothing unfinished goes live, nothing that is written meanwhile is lost."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from scrypath_celery import Scrypath
from scrypath_celery.convergence.executor import run_ready_works
from scrypath_celery.engine import answers
from scrypath_celery.errors import RebuildError
from scrypath_celery.ledger import rebuilds
from scrypath_celery.rebuild.held import acquire
from scrypath_celery.rebuild.phases import Phase
from scrypath_celery.rebuild.rebuild import abort, drop_old, rollback
from scrypath_celery.rebuild.report import ReindexReport
from scrypath_celery.rebuild.runner import drive
from scrypath_celery.work import Operation, State
from tests.deadline import eventually
from tests.rebuild.conftest import remove, write
from tests.shop import Post, Shop


def indexes(shop: Shop) -> list[str]:
    """The engine's indexes of this shop."""
    found = shop.search.runtime.engine._transport.call("get", "indexes?limit=1000", shape=answers.results)
    return sorted(one["uid"] for one in found if one["uid"].startswith(shop.setup.index_prefix))


def live(shop: Shop) -> str:
    return shop.search.runtime.uid_of(shop.search.schemas.of(Post))


def another(shop: Shop, **declaration: Any) -> Scrypath:
    """The same application after a release that changed its declaration."""
    options: dict[str, Any] = {"meilisearch_url": shop.setup.meilisearch_url, "index_prefix": shop.setup.index_prefix}
    changed = Scrypath(None, database=shop.Session, **options, **shop.setup.options)
    changed.schema(**{"fields": ["title", "body"], **declaration})(Post)
    return changed


def created(shop: Shop) -> str:
    found = shop.search.runtime.engine.index(live(shop))
    assert found is not None
    return str(found["createdAt"])


def test_a_reindex_puts_a_new_index_live_and_leaves_nothing_behind(filled: Shop) -> None:
    before = created(filled)
    done = filled.search.reindex(Post)
    assert (done.phase, done.cut_over, done.filled, done.failed) == (Phase.DONE, True, 20, 0)
    assert created(filled) != before
    assert indexes(filled) == [live(filled)]
    assert filled.in_step()


def test_a_reindex_of_an_index_that_is_not_there_makes_it(shop: Shop) -> None:
    with shop.Session.begin() as session:
        session.add_all(Post(id=id, title="unsynced") for id in range(1, 4))
    assert shop.search.reindex(Post).cut_over
    assert shop.in_step()


def test_a_fill_that_fails_never_goes_live(filled: Shop) -> None:
    with filled.Session.begin() as session:
        for post in session.query(Post):
            post.body = "unprojectable"
    before = created(filled)
    done = filled.search.reindex(Post)
    assert (done.cut_over, done.phase) == (False, Phase.CUT_OVER)
    assert set(done.blocked_by) == {"failed_works", "shrunk"}
    assert created(filled) == before
    assert len(filled.documents()) == 20


def test_failed_works_are_retried_into_their_rebuild_which_then_goes_on(filled: Shop) -> None:
    with filled.Session.begin() as session:
        session.get_one(Post, 7).body = "unprojectable"
    first = filled.search.reindex(Post)
    assert set(first.blocked_by) == {"failed_works"}
    with filled.Session.begin() as session:
        session.get_one(Post, 7).body = "fine"
    [failed] = [work for work in filled.works() if work.state is State.FAILED]
    assert failed.operation is Operation.REINDEX
    filled.search.retry_sync_work(failed.id)
    filled.search.drain()
    done = filled.search.reindex(Post)
    assert (done.id, done.cut_over, done.blocked_by) == (first.id, True, {})
    assert filled.in_step()


def test_failed_documents_can_be_allowed_and_are_left_as_dead_letters(filled: Shop) -> None:
    with filled.Session.begin() as session:
        session.get_one(Post, 7).body = "unprojectable"
    done = filled.search.reindex(Post, allow_failed=1)
    assert done.cut_over
    filled.search.drain()
    assert [work.ids for work in filled.works() if work.state is State.FAILED] == [("7",)]
    assert len(filled.documents()) == 19


def test_a_much_smaller_index_goes_live_only_where_that_is_allowed(filled: Shop) -> None:
    with filled.Session.begin() as session:
        session.query(Post).filter(Post.id > 5).delete()
    first = filled.search.reindex(Post)
    assert set(first.blocked_by) == {"shrunk"}
    assert len(filled.documents()) == 20
    done = filled.search.reindex(Post, allow_shrink=True)
    assert (done.id, done.cut_over) == (first.id, True)
    assert filled.in_step()


def test_a_declaration_that_changed_before_the_swap_is_built_anew(filled: Shop) -> None:
    first = filled.search.reindex(Post, cutover=False)
    changed = another(filled, filterable=["title"])
    done = changed.reindex(Post, sync_mode="inline")
    assert done.id != first.id
    assert done.started_anew is not None
    assert "declaration_changed" in done.started_anew
    settings = changed.runtime.engine.settings(live(filled)) or {}
    assert settings["filterableAttributes"] == ["title"]
    assert indexes(filled) == [live(filled)]
    assert changed.rebuilds(Post)[1].phase is Phase.ABANDONED


def test_the_source_of_a_projection_is_part_of_what_must_not_change(
    filled: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = filled.search.reindex(Post, cutover=False)
    monkeypatch.setattr(Post, "search_document", lambda self: {"id": self.id, "title": self.title.upper()})
    done = another(filled).reindex(Post, sync_mode="inline")
    assert done.id != first.id
    assert set(filled.documents().values()) == {"A TITLE"}


def test_a_projection_without_a_source_needs_a_version(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    namespace: dict[str, object] = {}
    exec("def search_document(self): return {'id': self.id, 'title': self.title}", namespace)
    monkeypatch.setattr(Post, "search_document", namespace["search_document"])
    with pytest.raises(RebuildError, match="version=") as refused:
        another(shop).reindex(Post, sync_mode="inline")
    assert refused.value.why == "no_version"
    assert another(shop, version="2").reindex(Post, sync_mode="inline").cut_over


def test_workers_of_the_release_before_take_no_part(filled: Shop) -> None:
    changed = another(filled, filterable=["title"], fields=["title"])
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            run_ready_works(filled.search.runtime, Post.__tablename__, seconds=0.2)
            stop.wait(0.01)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert changed.reindex(Post, sync_mode="inline").cut_over
    finally:
        stop.set()
        worker.join()
    fills = [work for work in filled.works() if work.operation is Operation.REINDEX]
    assert fills
    assert all(not (work.worker or "").endswith(f":{worker.native_id}") for work in fills)


def test_what_is_written_between_fill_and_swap_is_caught_up(filled: Shop) -> None:
    filled.search.reindex(Post, cutover=False)
    write(filled, 1, 2, title="changed")
    remove(filled, 3)
    filled.add(100, title="new")
    filled.search.drain()
    done = filled.search.reindex(Post)
    assert done.caught_up == 4
    assert filled.in_step()


def test_what_is_claimed_after_the_last_catch_up_is_re_synced(filled: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = filled.search.runtime.engine
    swap = engine.swap

    def written_before(one: str, other: str) -> int:
        write(filled, 4, title="at the last moment")
        run_ready_works(filled.search.runtime, Post.__tablename__, seconds=5)
        return swap(one, other)

    monkeypatch.setattr(engine, "swap", written_before)
    done = filled.search.reindex(Post)
    assert done.requeued == 1
    filled.search.drain()
    assert filled.documents()[4] == "at the last moment"
    assert filled.in_step()


def test_what_was_claimed_and_failed_in_part_is_caught_up_as_a_whole(filled: Shop) -> None:
    filled.search.reindex(Post, cutover=False)
    with filled.Session.begin() as session:
        posts = list(session.query(Post).filter(Post.id <= 5))
        for post in posts:
            post.title, post.body = "changed", "unprojectable" if post.id == 5 else ""
        filled.search.sync_records(posts, session=session)
    filled.search.drain()
    with filled.Session.begin() as session:
        session.get_one(Post, 5).body = ""
    assert filled.search.reindex(Post).cut_over
    filled.search.drain()
    assert filled.documents() == filled.records()


def test_a_second_reindex_beside_a_living_one_is_refused_by_name(filled: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = filled.search.runtime.engine
    swap, refused = engine.swap, list[RebuildError]()

    def swap_while_another_tries(one: str, other: str) -> int:
        with pytest.raises(RebuildError, match=r"reindex 1 of Post is under way .*--abort") as error:
            filled.search.reindex(Post)
        refused.append(error.value)
        return swap(one, other)

    monkeypatch.setattr(engine, "swap", swap_while_another_tries)
    assert filled.search.reindex(Post).cut_over
    assert [error.why for error in refused] == ["alive"]
    assert filled.in_step()


def test_two_that_begin_at_once_make_one_rebuild(filled: Shop) -> None:
    together, ends = threading.Barrier(2), list[object]()

    def go() -> None:
        together.wait()
        try:
            ends.append(filled.search.reindex(Post))
        except RebuildError as refused:
            ends.append(refused.why)

    threads = [threading.Thread(target=go) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reports = [end for end in ends if isinstance(end, ReindexReport)]
    assert reports
    assert all(report.cut_over for report in reports)
    assert all(end == "alive" for end in ends if not isinstance(end, ReindexReport))
    assert indexes(filled) == [live(filled)]
    assert filled.in_step()


def test_an_owner_that_lost_its_epoch_changes_nothing(filled: Shop) -> None:
    filled.search.reindex(Post, cutover=False)
    runtime, schema = filled.search.runtime, filled.search.schemas.of(Post)
    row = runtime.ledger.read(lambda tx: rebuilds.active(tx, schema.uid))
    assert row is not None
    first = acquire(runtime, schema, row)
    second = acquire(runtime, schema, row, steal=True)
    assert first is not None
    assert second is not None
    with pytest.raises(RebuildError) as lost:
        first.save(phase=Phase.CATCH_UP)
    assert lost.value.why == "lost"
    second.save(phase=Phase.CATCH_UP)


@pytest.mark.parametrize("harm", ["drop", "empty", "settings", "replace"])
def test_a_target_that_is_not_as_it_was_left_ends_in_a_new_start(filled: Shop, harm: str) -> None:
    first = filled.search.reindex(Post, cutover=False)
    engine = filled.search.runtime.engine
    if harm in ("drop", "replace"):
        awaited(filled, engine.drop(first.target))
    if harm == "replace":
        awaited(filled, engine.create(first.target, "id"))
    if harm == "empty":
        awaited(filled, int(engine.native(first.target).delete_all_documents().task_uid))
    if harm == "settings":
        awaited(filled, engine.apply(first.target, {"searchableAttributes": ["body"]}))
    done = filled.search.reindex(Post)
    assert done.id != first.id
    assert done.cut_over
    assert done.started_anew is not None
    assert filled.in_step()


def awaited(shop: Shop, uid: int) -> None:
    engine = shop.search.runtime.engine
    eventually(lambda: engine.tasks([uid])[uid].terminal, what="the engine's task is over")


def test_an_abort_gives_up_works_and_target_and_the_next_one_is_new(filled: Shop) -> None:
    runtime, schema = filled.search.runtime, filled.search.schemas.of(Post)
    first = filled.search.reindex(Post, cutover=False)
    assert abort(runtime, schema).phase is Phase.ABORTED
    assert indexes(filled) == [live(filled)]
    with pytest.raises(RebuildError) as nothing:
        abort(runtime, schema)
    assert nothing.value.why == "none"
    done = filled.search.reindex(Post)
    assert done.id != first.id
    assert done.started_anew is None
    assert filled.in_step()


def test_old_content_is_kept_and_deletions_go_to_it_too(filled: Shop) -> None:
    runtime, schema = filled.search.runtime, filled.search.schemas.of(Post)
    done = filled.search.reindex(Post, keep_old=600)
    assert done.phase is Phase.KEPT
    remove(filled, 1)
    filled.search.drain()
    row = runtime.ledger.read(lambda tx: rebuilds.active(tx, schema.uid))
    assert row is not None
    drive(runtime, seconds=5)
    kept = {document["id"] for document in runtime.engine.documents(done.target)}
    assert kept == set(range(2, 21))
    with pytest.raises(RebuildError, match="--drop-old") as refused:
        filled.search.reindex(Post)
    assert refused.value.why == "kept"
    assert drop_old(runtime, schema).phase is Phase.DONE
    assert indexes(filled) == [live(filled)]


def test_a_rollback_brings_the_old_content_back_with_what_was_written_since(filled: Shop) -> None:
    runtime, schema = filled.search.runtime, filled.search.schemas.of(Post)
    before = created(filled)
    filled.search.reindex(Post, keep_old=600)
    write(filled, 2, title="after the swap")
    remove(filled, 3)
    filled.add(50, title="new")
    filled.search.drain()
    done = rollback(runtime, schema, filled.search._how(sync_mode="inline"))
    assert done.cut_over
    assert created(filled) == before
    filled.search.drain()
    assert filled.in_step()
    assert indexes(filled) == [live(filled)]


def test_ranking_rules_without_a_default_are_refused_unless_they_are_meant(filled: Shop) -> None:
    rules = {"ranking_rules": ["words", "typo", "title:asc"]}
    with pytest.warns(UserWarning, match="leaves out proximity, attributeRank, sort, wordPosition, exactness"):
        strict = another(filled, settings=rules)
    with pytest.raises(RebuildError, match="ranking_rules") as refused:
        strict.reindex(Post, sync_mode="inline")
    assert refused.value.why == "ranking_rules"
    assert indexes(filled) == [live(filled)]
    meant = another(filled, settings=rules, ranking_rules_strict=False)
    assert meant.reindex(Post, sync_mode="inline").cut_over
    assert (meant.runtime.engine.settings(live(filled)) or {})["rankingRules"] == rules["ranking_rules"]
