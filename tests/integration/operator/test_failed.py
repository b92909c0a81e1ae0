"""Failed work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scrypath_celery.errors import WorkError
from scrypath_celery.ledger import overview, works
from scrypath_celery.operator.bulk import bulk_retry
from scrypath_celery.operator.failed import ClassCount, failed
from scrypath_celery.operator.retry import cancel, retry
from scrypath_celery.operator.selection import Selection
from scrypath_celery.operator.work_rows import Origin
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import Mode, ReasonClass, State
from tests.integration.operator.conftest import write
from tests.shop import Post, Shop


def state_of(shop: Shop, id: int) -> State:
    return shop.search.ledger.run(lambda tx: works.get(tx, id)).state


def test_dead_letters_and_retrying_work_are_listed_with_why(shop: Shop) -> None:
    for state in State:
        write(shop, state, reason_class="transport", reason="it was\naway")
    found = failed(shop.search.runtime)
    assert {work.state for work in found.works} == {State.RETRYING, State.FAILED}
    assert {work.reason for work in found.works} == {"it was away"}
    assert found.classes == (ClassCount(reason_class=ReasonClass.TRANSPORT, failed=1, retrying=1),)


def test_a_limit_leaves_rows_out_and_the_rollup_counts_them(shop: Shop) -> None:
    for _ in range(5):
        write(shop, State.FAILED, reason_class="source")
    found = failed(shop.search.runtime, limit=2)
    assert (len(found.works), found.total, found.classes[0].failed) == (2, 5, 5)


def test_a_document_that_cannot_be_projected_failed_before_the_engine_saw_it(shop: Shop) -> None:
    shop.add(1, body="unprojectable")
    shop.search.drain()
    [work] = failed(shop.search.runtime).works
    assert (work.schema, work.source, work.reason_class) == ("Post", Origin.QUEUE, ReasonClass.VALIDATION)
    assert work.document_ids == ("1",)


def test_what_the_engine_refused_is_told_apart_whatever_its_code(shop: Shop, scrypath_engine: EngineUnderTest) -> None:
    if scrypath_engine.embedded is None:
        pytest.skip("a real engine fails no task on demand")
    scrypath_engine.embedded.faults.add("fail_task", code="invalid_document_geo_field", document="1")
    shop.add(1)
    shop.search.drain()
    [work] = failed(shop.search.runtime).works
    assert (work.source, work.error_code) == (Origin.ENGINE, "invalid_document_geo_field")


def test_a_retried_work_is_pending_and_succeeds_once_its_record_is_fixed(shop: Shop) -> None:
    shop.add(1, body="unprojectable")
    shop.search.drain()
    [work] = failed(shop.search.runtime).works
    with shop.Session.begin() as session:
        session.get_one(Post, 1).body = "fine"
    done = retry(shop.search.runtime, work.id)
    assert (done.status, done.mode, done.reference) == (State.PENDING, Mode.CELERY, str(work.id))
    shop.search.drain()
    assert state_of(shop, work.id) is State.SUCCEEDED
    assert shop.in_step()


def test_a_projection_that_crashes_is_tried_once_by_a_call_that_runs_inline(shop: Shop) -> None:
    with shop.search.override(backoff=600.0), shop.Session.begin() as session:
        session.add(post := Post(id=1, title="a title", body="crash"))
        shop.search.sync_record(post, session=session, sync_mode="inline")
    [work] = shop.works()
    assert (work.state, work.attempts) == (State.RETRYING, 1)


def test_a_retry_inline_runs_here_and_says_how_it_ended(shop: Shop) -> None:
    shop.add(1, body="unprojectable")
    shop.search.drain()
    [work] = failed(shop.search.runtime).works
    assert retry(shop.search.runtime, work.id, mode=Mode.INLINE).status is State.FAILED
    with shop.Session.begin() as session:
        session.get_one(Post, 1).body = "fine"
    done = retry(shop.search.runtime, work.id, mode=Mode.INLINE)
    assert done.status is State.SUCCEEDED
    assert done.reference.isdecimal()


def test_retrying_twice_changes_nothing_twice(shop: Shop) -> None:
    id = write(shop, State.FAILED)
    retry(shop.search.runtime, id)
    before = shop.search.ledger.run(lambda tx: works.get(tx, id))
    with pytest.raises(WorkError, match="pending"):
        retry(shop.search.runtime, id)
    assert shop.search.ledger.run(lambda tx: works.get(tx, id)) == before


@pytest.mark.parametrize("state", [State.PENDING, State.RUNNING, State.SUBMITTED, State.SUCCEEDED])
def test_only_what_failed_can_be_retried(shop: Shop, state: State) -> None:
    id = write(shop, state)
    with pytest.raises(WorkError, match=state.value):
        retry(shop.search.runtime, id)
    assert state_of(shop, id) is state


def test_a_work_that_is_not_there_or_of_no_schema_cannot_be_retried(shop: Shop) -> None:
    id = write(shop, State.FAILED, uid="forgotten")
    with pytest.raises(WorkError, match="forgotten"):
        retry(shop.search.runtime, id)
    with pytest.raises(WorkError, match="no work with id 4711"):
        retry(shop.search.runtime, 4711)
    with pytest.raises(WorkError, match="not of Post"):
        retry(shop.search.runtime, id, shop.search.schemas.all_of(Post))


def test_what_filled_a_rebuild_that_is_over_cannot_be_retried(shop: Shop) -> None:
    id = write(shop, State.FAILED, operation="reindex")
    with pytest.raises(WorkError, match="rebuild"):
        retry(shop.search.runtime, id)


def test_a_cancelled_work_is_given_up_and_a_running_one_is_not(shop: Shop) -> None:
    id, running = write(shop, State.FAILED), write(shop, State.RUNNING)
    assert cancel(shop.search.runtime, id).before is State.FAILED
    assert state_of(shop, id) is State.CANCELLED
    with pytest.raises(WorkError, match="running"):
        cancel(shop.search.runtime, running)


def test_a_bulk_retry_takes_what_its_filter_leaves(shop: Shop) -> None:
    now = shop.search.ledger.run(overview.time)
    recent = write(shop, State.FAILED, reason_class="transport", finished_at=now)
    write(shop, State.FAILED, reason_class="transport", finished_at=now - 7200)
    write(shop, State.FAILED, reason_class="validation", finished_at=now)
    chosen: Selection = {"reason_class": ReasonClass.TRANSPORT, "since": timedelta(hours=1)}
    found = bulk_retry(shop.search.runtime, None, chosen, dry_run=True)
    assert (found.ids, found.done) == ((recent,), ())
    assert state_of(shop, recent) is State.FAILED
    done = bulk_retry(shop.search.runtime, None, chosen)
    assert (done.done, done.skipped) == ((recent,), {})
    assert state_of(shop, recent) is State.PENDING


def test_a_bulk_retry_says_what_it_skipped(shop: Shop) -> None:
    now = shop.search.ledger.run(overview.time)
    fine, odd = write(shop, State.FAILED, finished_at=now), write(shop, State.FAILED, uid="forgotten", finished_at=now)
    done = bulk_retry(shop.search.runtime, None, {"since": timedelta(hours=1)})
    assert (done.ids, done.done, list(done.skipped)) == ((fine, odd), (fine,), [odd])


def test_an_engine_that_is_away_leaves_no_dead_letter(shop: Shop) -> None:
    with shop.search.override(meilisearch_url="http://127.0.0.1:1"):
        shop.add(1)
        shop.search.drain()
        assert failed(shop.search.runtime).works == ()


@pytest.mark.parametrize("call", ["failed", "works", "retry", "cancel"])
def test_a_misspelt_part_of_a_filter_never_means_more_works(shop: Shop, call: str) -> None:
    id = write(shop, State.FAILED, reason_class="source")
    with pytest.raises(WorkError):
        getattr(shop.search, call)(Post, reason_clas="auth")
    assert state_of(shop, id) is State.FAILED
