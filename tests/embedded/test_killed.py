"""kill -9 at any moment: what was accepted is run, once.

`EMBEDDED_KILLS` sets how many seeds are tried (3), `EMBEDDED_SEED` the first (1).
"""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import pytest

from tests.embedded.process import EngineProcess
from tests.embedded.wire import Wire
from tests.embedded.writers import Writers, contradictions

_FIRST = int(os.environ.get("EMBEDDED_SEED", "1"))
_SEEDS = range(_FIRST, _FIRST + int(os.environ.get("EMBEDDED_KILLS", "3")))


@pytest.mark.parametrize("seed", _SEEDS)
def test_what_was_accepted_is_run_once_after_a_kill(seed: int, tmp_path: Path) -> None:
    file = tmp_path / "engine.db"
    moment = random.Random(seed).uniform(0.02, 0.5)
    with EngineProcess("--data", str(file)) as process:
        wire = Wire(process.url)
        prepared = [wire.add(index, []) for index in ("documents", "left", "right")]
        for uid in prepared:
            wire.done(uid)
        wire.close()
        writers = Writers(process.url, seed)
        writers.start()
        threading.Event().wait(moment)
        process.kill()
        writers.stop()
    with EngineProcess("--data", str(file)) as process:
        wire = Wire(process.url)
        found = contradictions(wire, writers, len(prepared))
        wire.close()
    assert writers.accepted
    assert found == []
