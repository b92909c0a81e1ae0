"""When to try again, as a value."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from scrypath_celery.config import Options
from scrypath_celery.convergence.backoff import decide, delay, probe_delay
from scrypath_celery.work import Failure, ReasonClass

OPTIONS = Options(backoff=2.0, backoff_max=100.0, max_attempts=4, pause_max=30.0)
FAILURE = Failure(reason_class=ReasonClass.SOURCE, reason="it failed")


class Highest(random.Random):
    """Chance that always draws the most."""

    def uniform(self, a: float, b: float) -> float:
        return b


@pytest.mark.parametrize(
    ("attempts", "longest"), [(0, 2.0), (1, 4.0), (2, 8.0), (5, 64.0), (6, 100.0), (30, 100.0), (10_000, 100.0)]
)
def test_the_wait_doubles_up_to_a_limit_with_full_jitter(attempts: int, longest: float) -> None:
    assert delay(OPTIONS, attempts, FAILURE, Highest()) == longest
    drawn = [delay(OPTIONS, attempts, FAILURE, random.Random(seed)) for seed in range(200)]
    assert all(0.0 <= seconds <= longest for seconds in drawn)
    assert min(drawn) < longest / 4 < max(drawn)


@pytest.mark.parametrize("asked", [0.0, 10.0, 500.0])
def test_nothing_is_tried_before_the_engine_wants_it(asked: float) -> None:
    patient = replace(FAILURE, retry_after=asked)
    assert delay(OPTIONS, 0, patient) >= asked
    assert probe_delay(OPTIONS, 0, patient) >= asked


@pytest.mark.parametrize(
    ("attempts", "permanent", "reason_class", "dead", "named"),
    [
        (0, False, ReasonClass.SOURCE, False, ReasonClass.SOURCE),
        (2, False, ReasonClass.SOURCE, False, ReasonClass.SOURCE),
        (3, False, ReasonClass.SOURCE, True, ReasonClass.SOURCE),
        (3, False, ReasonClass.UNKNOWN, True, ReasonClass.QUEUE_EXHAUSTED),
        (0, True, ReasonClass.VALIDATION, True, ReasonClass.VALIDATION),
        (0, True, ReasonClass.UNKNOWN, True, ReasonClass.UNKNOWN),
    ],
)
def test_a_work_is_a_dead_letter_when_its_attempts_are_spent_or_no_retry_can_help(
    attempts: int, permanent: bool, reason_class: ReasonClass, dead: bool, named: ReasonClass
) -> None:
    wait, failure = decide(OPTIONS, attempts, replace(FAILURE, permanent=permanent, reason_class=reason_class))
    assert (wait is None) == dead
    assert failure.reason_class is named


@pytest.mark.parametrize(("pauses", "longest"), [(0, 1.0), (1, 2.0), (4, 16.0), (5, 30.0), (1_000, 30.0)])
def test_probes_come_at_longer_and_longer_intervals(pauses: int, longest: float) -> None:
    drawn = [probe_delay(OPTIONS, pauses, FAILURE) for _ in range(200)]
    assert all(longest / 2 <= seconds <= longest for seconds in drawn)
