"""When to try again, as a value: decided here, carried out by whoever settles."""

from __future__ import annotations

import random
from dataclasses import replace

from ..config import Options
from ..source.failures import HANGS
from ..work import Failure, ReasonClass


def delay(options: Options, attempts: int, failure: Failure, chance: random.Random | None = None) -> float:
    """Seconds before the next run: exponential, full jitter, capped, and never before the engine's own awaiting."""
    span = min(options.backoff_max, options.backoff * 2.0 ** min(attempts, 30))
    return max((chance or random).uniform(0.0, span), failure.retry_after or 0.0)


def decide(options: Options, attempts: int, failure: Failure) -> tuple[float | None, Failure]:
    """What becomes of a work after `attempts` verdicts and this one: a delay (seconds), or None for a dead letter."""
    if failure.permanent or (failure.code == HANGS and attempts):
        return None, failure  # what hangs holds a worker for a whole time limit: twice is enough
    if attempts + 1 >= options.max_attempts:
        exhausted = failure.reason_class is ReasonClass.UNKNOWN
        return None, replace(failure, reason_class=ReasonClass.QUEUE_EXHAUSTED) if exhausted else failure
    return delay(options, attempts, failure), failure


def probe_delay(options: Options, pauses: int, failure: Failure) -> float:
    """Seconds before a paused index is probed; `pauses` is how many probes failed before."""
    span = min(options.pause_max, 1.0 * 2.0 ** min(pauses, 20))
    return max(span * (0.5 + random.random() / 2), failure.retry_after or 0.0)
