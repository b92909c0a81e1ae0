"""The pace of claims: at once while they keep up, further apart where they follow each other."""

from __future__ import annotations

import pytest

from scrypath_celery.convergence.pace import LONGEST, SMALL, WAITS, Pace


def test_the_first_claim_makes_no_other_wait() -> None:
    pace = Pace()
    pace.claimed(1, spent=0.5, now=100.0)
    assert pace.until == 0.0


@pytest.mark.parametrize(
    ("documents", "until"), [(1, 100.0 + WAITS * 0.05), (SMALL - 1, 100.0 + WAITS * 0.05), (SMALL, 0.0)]
)
def test_a_claim_of_few_that_follows_another_makes_the_next_one_wait(documents: int, until: float) -> None:
    pace = Pace()
    pace.claimed(1, spent=0.1, now=99.0)
    pace.claimed(documents, spent=0.05, now=100.0)
    assert pace.until == until


def test_claims_that_keep_up_never_wait() -> None:
    pace = Pace()
    for now in (1.0, 2.0, 3.0):
        pace.claimed(1, spent=0.5, now=now)
        assert pace.until == 0.0
        pace.found_nothing()


def test_a_wait_is_over_once_nothing_is_ready() -> None:
    pace = Pace()
    pace.claimed(1, spent=0.1, now=1.0)
    pace.claimed(1, spent=0.5, now=2.0)
    pace.found_nothing()
    assert pace.until == 0.0


def test_a_claim_that_took_long_makes_nobody_wait_as_long() -> None:
    pace = Pace()
    pace.claimed(1, spent=0.1, now=99.0)
    pace.claimed(1, spent=60.0, now=200.0)
    assert pace.until == 200.0 + LONGEST
