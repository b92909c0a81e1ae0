"""Waiting for the engine: only it is asked, and the ledger is left alone until there is something to note."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import partial

from ..convergence.poll import poll
from ..errors import EngineError
from ..ledger import submitted
from ..runtime import Runtime

FIRST = 0.1
"""The first wait (seconds) of a rebuild that has nothing to do but to wait."""
GROWTH = 1.5
"""How the next ones grow while nothing moves."""
ASKED = 0.2
"""Seconds between two looks at the engine."""


@dataclass(kw_only=True)
class Waiting:
    """The waits of one process for what one index has submitted; `longest` bounds each (seconds)."""

    runtime: Runtime
    uid: str
    longest: float
    _next: float = FIRST
    _pause: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """Something moved: the next wait is a short one again."""
        self._next = FIRST

    def wait(self) -> None:
        """Wait until the engine is done with the oldest task that waits for its verdict, or until it is time to look.

        Its verdict is noted then.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        end = time.monotonic() + self._next
        self._next = min(self._next * GROWTH, self.longest)
        oldest = self._oldest()
        while (left := end - time.monotonic()) > 0:
            self._pause.wait(min(ASKED, left))
            if left > ASKED and oldest is not None and self._is_over(oldest):
                poll(self.runtime)  # so that the next step finds it settled
                return

    def _oldest(self) -> int | None:
        """The engine's task that is done first: it takes those of one index in their order."""
        rows = self.runtime.ledger.read(partial(submitted.awaiting, generation=self.runtime.options.generation))
        return min((uid for row in rows if row.index_uid == self.uid for uid in row.engine_uids), default=None)

    def _is_over(self, uid: int) -> bool:
        try:
            found = self.runtime.engine.tasks([uid])
        except EngineError:
            return False
        return uid not in found or found[uid].terminal
