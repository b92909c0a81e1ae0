"""What is recommended for which signals."""

from __future__ import annotations

import pytest

from scrypath_celery.operator.recommendations import FailedClass, Signal, Situation, recommended
from scrypath_celery.work import ReasonClass

FAILED = frozenset({Signal.FAILED_SYNC_WORK})


def commands(situation: Situation, program: str = "scrypath-celery") -> list[str]:
    return [action.command for action in recommended(situation, program)]


def test_nothing_is_recommended_where_nothing_differs() -> None:
    assert recommended(Situation(schema="Post", signals=frozenset())) == ()


def test_a_single_dead_letter_is_retried_by_its_id() -> None:
    failed = {ReasonClass.VALIDATION: FailedClass(count=1, first=601)}
    assert commands(Situation(schema="Post", signals=FAILED, failed=failed)) == ["scrypath-celery retry --id 601 Post"]


def test_many_dead_letters_of_a_class_are_first_looked_at_in_a_dry_run() -> None:
    failed = {ReasonClass.TRANSPORT: FailedClass(count=7, first=3)}
    situation = Situation(schema="Post", signals=FAILED, failed=failed)
    assert commands(situation) == ["scrypath-celery retry --reason-class transport Post --dry-run"]


@pytest.mark.parametrize("reason_class", ReasonClass)
def test_there_is_a_remedy_for_dead_letters_of_each_class(reason_class: ReasonClass) -> None:
    failed = {reason_class: FailedClass(count=1, first=1)}
    [action] = recommended(Situation(schema="Post", signals=FAILED, failed=failed))
    assert "retry" in action.why


def test_a_count_mismatch_calls_for_a_backfill() -> None:
    situation = Situation(schema="Post", signals=frozenset({Signal.COUNT_MISMATCH}))
    assert commands(situation) == ["scrypath-celery reconcile Post --action backfill"]


@pytest.mark.parametrize(("surplus", "action"), [(100, "backfill"), (101, "repair --allow-mass-delete")])
def test_more_documents_than_are_deleted_without_a_word_call_for_what_deletes_them(surplus: int, action: str) -> None:
    situation = Situation(schema="Post", signals=frozenset({Signal.COUNT_MISMATCH}), surplus=surplus, cap=100)
    assert commands(situation) == [f"scrypath-celery reconcile Post --action {action}"]


def test_a_backfill_that_brings_back_what_an_engine_lost_is_gone_on_with() -> None:
    situation = Situation(schema="Post", signals=frozenset({Signal.ENGINE_RESTORED}), restoring="backfill")
    assert commands(situation) == ["scrypath-celery backfill Post"]


def test_a_restored_engine_calls_for_a_reindex_and_not_for_a_backfill_too() -> None:
    situation = Situation(schema="Post", signals=frozenset({Signal.ENGINE_RESTORED, Signal.COUNT_MISMATCH}))
    assert commands(situation) == ["scrypath-celery reconcile Post --action reindex"]


def test_a_rebuild_that_is_filled_is_cut_over_by_the_same_command() -> None:
    signals = frozenset({Signal.REINDEX_VISIBILITY_AVAILABLE, Signal.REINDEX_CUTOVER_PENDING})
    situation = Situation(schema="Post", signals=signals)
    assert commands(situation) == ["scrypath-celery reconcile Post --action reindex"]


def test_work_under_way_is_waited_for() -> None:
    situation = Situation(schema="Post", signals=frozenset({Signal.PENDING_QUEUE_WORK, Signal.PENDING_ENGINE_WORK}))
    assert commands(situation) == ["scrypath-celery status Post"]


def test_a_pause_names_what_keeps_it() -> None:
    signals = frozenset({Signal.PENDING_QUEUE_WORK, Signal.INDEX_PAUSED})
    [action] = recommended(Situation(schema="Post", signals=signals, pause=ReasonClass.AUTH))
    assert "refuses the key" in action.why


def test_commands_begin_as_the_operator_called_them() -> None:
    situation = Situation(schema="Post", signals=frozenset({Signal.COUNT_MISMATCH}))
    assert commands(situation, "celery -A shop scrypath") == [
        "celery -A shop scrypath reconcile Post --action backfill"
    ]
