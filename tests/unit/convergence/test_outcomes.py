"""One outcome a document: what stands where several were found out, and how a work falls into parts."""

from __future__ import annotations

from itertools import product

import pytest

from scrypath_celery.convergence.outcomes import PRECEDENCE, Outcome, Outcomes, stronger
from scrypath_celery.work import Failure, ReasonClass


def failure(code: str = "x") -> Failure:
    return Failure(reason_class=ReasonClass.VALIDATION, reason="it is wrong", code=code)


def test_every_outcome_has_its_place_in_the_precedence() -> None:
    assert set(PRECEDENCE) == set(Outcome)
    assert PRECEDENCE[0] is Outcome.SETTLED
    assert PRECEDENCE[-1] is Outcome.PERMANENT


@pytest.mark.parametrize(("one", "other"), list(product(Outcome, Outcome)))
def test_the_stronger_outcome_stands_in_whatever_order_they_were_found_out(one: Outcome, other: Outcome) -> None:
    expected = PRECEDENCE[max(PRECEDENCE.index(one), PRECEDENCE.index(other))]
    assert stronger(one, other) is expected
    outcomes = Outcomes()
    outcomes.note(["1"], one, failure())
    outcomes.note(["1"], other, failure())
    assert outcomes.of("1") is expected


def test_a_document_that_nothing_was_noted_of_is_settled() -> None:
    outcomes = Outcomes()
    assert outcomes.of("1") is Outcome.SETTLED
    assert outcomes.parts(["1", "2"]) == []


def test_a_work_falls_into_parts_that_ended_alike_the_worst_first() -> None:
    outcomes = Outcomes()
    outcomes.note(["1"], Outcome.UNKNOWN, failure())
    outcomes.note(["2"], Outcome.DEFERRED, failure(), trial="a")
    outcomes.note(["3"], Outcome.DEFERRED, failure(), trial="b")
    outcomes.note(["4"], Outcome.PERMANENT, failure("bad_geo"))
    outcomes.note(["5"], Outcome.PERMANENT, failure("bad_id"))
    outcomes.note(["6"], Outcome.RETRYABLE, failure())
    outcomes.note(["8"], Outcome.DEFERRED, failure(), trial="a")
    parts = outcomes.parts(["1", "2", "3", "4", "5", "6", "7", "8"])
    assert [(part.ending.outcome, part.ids) for part in parts] == [
        (Outcome.PERMANENT, ("4",)),
        (Outcome.PERMANENT, ("5",)),
        (Outcome.RETRYABLE, ("6",)),
        (Outcome.DEFERRED, ("2", "8")),
        (Outcome.DEFERRED, ("3",)),
        (Outcome.UNKNOWN, ("1",)),
    ]
