"""What the numbers of an index mean."""

from __future__ import annotations

from typing import Any, cast

from scrypath_celery.operator.drift import Seen, signals, with_mismatch
from scrypath_celery.operator.index_counts import DocumentCounts, EngineCounts, QueueCounts, Verdict
from scrypath_celery.operator.recommendations import Signal
from scrypath_celery.work import IndexRow

IDLE = QueueCounts(pending=0, running=0, submitted=0, retrying=0, failed=0)
QUIET = EngineCounts(pending=0, failed=0)


def counts(database: int | None, index: int | None, **more: Any) -> DocumentCounts:
    return DocumentCounts(database=database, index=index, index_exists=index is not None, **more)


def seen(**parts: Any) -> Seen:
    return Seen(**{"queue": IDLE, "engine": QUIET, "documents": counts(3, 3), **parts})


def test_different_counts_with_nothing_under_way_are_a_mismatch() -> None:
    assert with_mismatch(counts(3, 2), QUIET, IDLE, unchanged_during_count=True).mismatch is Verdict.YES


def test_equal_counts_are_none() -> None:
    assert with_mismatch(counts(3, 3), QUIET, IDLE, unchanged_during_count=True).mismatch is Verdict.NO


def test_counts_are_not_judged_while_work_is_under_way() -> None:
    for state in ("pending", "running", "submitted", "retrying"):
        assert (
            with_mismatch(
                counts(3, 2), QUIET, QueueCounts(**cast(Any, {state: 1})), unchanged_during_count=True
            ).mismatch
            is Verdict.UNKNOWN
        )


def test_counts_are_not_judged_while_the_engine_has_tasks() -> None:
    assert (
        with_mismatch(counts(3, 2), EngineCounts(pending=1), IDLE, unchanged_during_count=True).mismatch
        is Verdict.UNKNOWN
    )


def test_counts_are_not_judged_where_work_went_on_meanwhile() -> None:
    assert with_mismatch(counts(3, 2), QUIET, IDLE, unchanged_during_count=False).mismatch is Verdict.UNKNOWN


def test_what_python_alone_can_tell_is_no_mismatch_and_says_so() -> None:
    found = with_mismatch(counts(None, 2), QUIET, IDLE, unchanged_during_count=True)
    assert (found.mismatch, found.unknown) == (Verdict.UNKNOWN, None)
    assert found.why is not None
    assert "index_if" in found.why


def test_an_unknown_part_leaves_the_mismatch_unknown() -> None:
    away = EngineCounts(unknown="away")
    assert with_mismatch(counts(3, 2), away, IDLE, unchanged_during_count=True).why == "away"


def test_an_index_in_step_gives_no_signal() -> None:
    assert signals(seen()) == ()


def test_dead_letters_and_open_work_are_told_apart() -> None:
    queue = QueueCounts(pending=1, running=0, submitted=0, retrying=0, failed=2)
    assert signals(seen(queue=queue)) == (Signal.PENDING_QUEUE_WORK, Signal.FAILED_SYNC_WORK)


def test_an_engine_that_was_found_restored_is_named_whether_or_not_it_answers() -> None:
    row = IndexRow(uid="posts", last_number=1, lost_since=10.0)
    assert signals(seen(row=row)) == (Signal.ENGINE_RESTORED,)
    assert signals(seen(row=row, engine=EngineCounts(unknown="away"))) == (Signal.ENGINE_RESTORED,)
    assert signals(seen(row=IndexRow(uid="posts", last_number=1, high_uid=10))) == ()


def test_an_index_that_was_never_needed_is_not_missing() -> None:
    assert signals(seen(documents=counts(0, None))) == ()
    assert signals(seen(documents=counts(5, None))) == (Signal.INDEX_MISSING,)


def test_a_rebuild_is_in_progress_until_it_waits_for_its_cut_over() -> None:
    filling = IndexRow(uid="posts", last_number=1, rebuild={"phase": "fill", "target": "posts_1"})
    waiting = IndexRow(uid="posts", last_number=1, rebuild={"phase": "cut_over", "target": "posts_1"})
    assert signals(seen(row=filling)) == (Signal.REINDEX_IN_PROGRESS,)
    assert signals(seen(row=waiting, target_exists=True)) == (
        Signal.REINDEX_VISIBILITY_AVAILABLE,
        Signal.REINDEX_CUTOVER_PENDING,
    )
