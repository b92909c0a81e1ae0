"""How long the demo takes on the machine at hand, told before it begins."""

from __future__ import annotations

import json
import statistics
import time

RATIO = 1_000.0
"""How many times as long as the probe the demo takes, both by the clock.

Measured on two processors with much else to do: 74 s where the probe took 0.066 s, 59 s where it took 0.057 s. Where
nothing else goes on, its processes work beside each other, and it is over a little sooner than told.
"""
_DOCUMENTS = [{"id": number, "name": f"city {number}", "population": number * 7} for number in range(2_000)]
_TRIES = 5


def expected_seconds() -> int:
    """About how many seconds it takes, in steps of ten.

    The demo is bound by the processor, so a probe of it tells. It is timed by the clock: what else the machine does now
    makes both take longer.
    """
    probe = statistics.median(_probe() for _ in range(_TRIES))
    return max(10, int(round(RATIO * probe, -1)))


def _probe() -> float:
    start = time.perf_counter()
    for _ in range(20):
        json.loads(json.dumps(_DOCUMENTS))
    return time.perf_counter() - start
