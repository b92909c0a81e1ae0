"""Reconciliation, stories and traces."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from scrypath_celery.operator.index_counts import Verdict
from scrypath_celery.operator.recommendations import Signal
from scrypath_celery.operator.reconcile import IndexReport, Report, reconcile
from scrypath_celery.operator.trace import trace
from scrypath_celery.operator.work_detail import story
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import State
from tests.integration.operator.conftest import write
from tests.shop import Post, Shop


def look(shop: Shop, **options: bool) -> Report:
    return reconcile(shop.search.runtime, list(shop.search.schemas), **options)  # type: ignore[arg-type]


def report_of(shop: Shop) -> IndexReport:
    [found] = look(shop).indexes
    return found


def synced(shop: Shop, *ids: int) -> None:
    shop.add(*ids)
    shop.search.drain()


def test_an_index_in_step_has_no_signals_and_no_actions(shop: Shop) -> None:
    synced(shop, 1, 2)
    found = report_of(shop)
    assert (found.signals, found.actions) == ((), ())
    assert (found.documents.database, found.documents.index, found.documents.mismatch) == (2, 2, Verdict.NO)


def test_a_record_that_nobody_synced_is_a_mismatch_that_a_backfill_fixes(shop: Shop) -> None:
    synced(shop, 1)
    with shop.Session.begin() as session:
        session.add(Post(id=2, title="unseen"))
    found = look(shop)
    assert found.differs
    assert found.indexes[0].signals == (Signal.COUNT_MISMATCH,)
    assert [action.name for action in found.indexes[0].actions] == ["backfill"]
    shop.search.backfill(Post, sync_mode="inline")
    assert not look(shop).differs


def test_more_ghosts_than_the_cap_are_removed_by_what_is_recommended(shop: Shop) -> None:
    ids = range(1, 6)
    synced(shop, *ids)
    with shop.Session.begin() as session:
        session.execute(delete(Post).where(Post.id > 1))
    with shop.search.override(mass_delete_count=2, mass_delete_share=0.01):
        [action] = report_of(shop).actions
        assert action.command == "scrypath-celery reconcile Post --action repair --allow-mass-delete"
        shop.search.repair(Post, allow_mass_delete=True)
        shop.search.drain()
        assert report_of(shop).actions == ()


def test_counts_are_not_judged_while_work_is_pending(shop: Shop) -> None:
    synced(shop, 1)
    shop.add(2)
    found = report_of(shop)
    assert found.signals == (Signal.PENDING_QUEUE_WORK,)
    assert found.documents.mismatch is Verdict.UNKNOWN


def test_dead_letters_are_rolled_up_by_class_with_what_helps(shop: Shop) -> None:
    synced(shop, 1)
    id = write(shop, State.FAILED, reason_class="validation")
    found = look(shop)
    assert found.differs
    assert [(group.reason_class, group.failed) for group in found.indexes[0].failed_by_class] == [("validation", 1)]
    assert f"retry --id {id} Post" in found.indexes[0].actions[0].command


def test_reporting_changes_nothing(shop: Shop) -> None:
    for state in State:
        write(shop, state)
    before = shop.works()
    look(shop)
    assert shop.works() == before


def test_a_restored_engine_is_named_with_what_to_do(shop: Shop, scrypath_engine: EngineUnderTest) -> None:
    if scrypath_engine.embedded is None:
        pytest.skip("a real engine is not restored by a test")
    token = scrypath_engine.embedded.snapshot()
    synced(shop, 1)
    scrypath_engine.embedded.restore(token)
    found = look(shop)
    assert found.differs
    assert Signal.ENGINE_RESTORED in found.indexes[0].signals
    assert [action.name for action in found.indexes[0].actions] == ["reindex"]
    shop.search.reindex(Post, sync_mode="inline")
    assert shop.documents() == shop.records()


def test_a_rebuild_that_waits_for_its_cut_over_shows_its_target(shop: Shop) -> None:
    synced(shop, 1)
    done = shop.search.reindex(Post, cutover=False, sync_mode="inline")
    found = report_of(shop)
    assert found.signals == (Signal.REINDEX_VISIBILITY_AVAILABLE, Signal.REINDEX_CUTOVER_PENDING)
    assert found.rebuild is not None
    assert found.rebuild.target == done.target
    shop.search.reindex(Post, sync_mode="inline")
    assert report_of(shop).signals == ()


def test_an_engine_that_is_away_leaves_the_rest_of_the_report(shop: Shop) -> None:
    synced(shop, 1)
    with shop.search.override(meilisearch_url="http://127.0.0.1:1"):
        found = look(shop)
    assert len(found.unknown) == 1
    assert found.indexes[0].documents.database == 1
    assert found.indexes[0].documents.index is None
    assert found.indexes[0].signals == ()


def test_counting_can_be_left_out_and_says_so(shop: Shop) -> None:
    synced(shop, 1)
    [found] = look(shop, count=False).indexes
    assert found.documents.database is None
    assert found.documents.unknown is not None
    assert "left out" in found.documents.unknown


def test_the_story_of_a_work_names_its_claim_and_its_engine_tasks(shop: Shop) -> None:
    synced(shop, 1)
    [work] = shop.works()
    told = story(shop.search.runtime, work.id)
    assert (told.schema, told.state, told.document_ids) == ("Post", State.SUCCEEDED, ("1",))
    assert told.engine_uids
    assert told.worker is not None
    assert told.claim_number == 1


def test_a_trace_shows_both_sides_and_the_works(shop: Shop) -> None:
    synced(shop, 1, 10)
    found = trace(shop.search.runtime, shop.search.schemas.of(Post), "1")
    assert found.agree is True
    assert found.projected == found.indexed == {"id": 1, "title": "a title", "body": ""}
    assert len(found.works) == 1


def test_a_trace_shows_where_the_sides_differ(shop: Shop) -> None:
    synced(shop, 1)
    with shop.engine.begin() as connection:
        connection.execute(delete(Post))
    found = trace(shop.search.runtime, shop.search.schemas.of(Post), "1")
    assert found.agree is False
    assert found.projected is None
    assert found.indexed is not None


def test_a_trace_of_a_document_that_is_nowhere_agrees(shop: Shop) -> None:
    found = trace(shop.search.runtime, shop.search.schemas.of(Post), "9_%")
    assert (found.agree, found.projected, found.indexed, found.works) == (True, None, None, ())
