"""Waiting for the engine: it is asked ever less often, and the ledger only whether there is something else to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from ..convergence.poll import poll
from ..errors import EngineError
from ..ledger import submitted
from ..runtime import Runtime

FIRST, LONGEST = 0.1, 5.0
"""The first wait (seconds) of a rebuild that has nothing to do but to wait, and the longest: then it takes a step."""
GROWTH = 0.5
"""In between it is this part of the time waited so far."""
ASKED_FIRST, ASKED_MAX = 0.1, 1.0
"""Seconds between two looks at the engine, at first and at most."""
SHARE = 0.04
"""In between they are this part of it: what the end is noticed too late by."""


@dataclass(kw_only=True)
class Waiting:
    """The waits of one process for what one index has submitted.

    What the engine was seen to be done with is waited for no more: its claim may wait for more of its tasks. `has_work`
    tells, every `look` seconds, whether the ledger has something else to do for this process.
    """

    runtime: Runtime
    uid: str
    look: float
    has_work: Callable[[Connection], bool]
    _since: float | None = None
    _over: set[int] = field(default_factory=set)
    _pause: threading.Event = field(default_factory=threading.Event)

    def reset(self) -> None:
        """Something moved: the next wait is a short one again."""
        self._since = None

    def wait(self) -> None:
        """Wait until the engine is done with the oldest task that it was not done with, or until it is time to look.

        Its verdict is noted then.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        now = looked = time.monotonic()
        self._since = now if self._since is None else self._since
        longest = min(LONGEST, self.runtime.options.lease / 4)  # the lease is renewed by steps
        end = now + min(max(FIRST, GROWTH * (now - self._since)), longest)
        waiting = self._submitted() - self._over
        over = self._ended(waiting)
        while not over and (left := end - now) > 0:
            interval = min(max(ASKED_FIRST, SHARE * (now - self._since)), ASKED_MAX)
            self._pause.wait(min(interval, left))
            now = time.monotonic()
            if now - looked >= self.look:
                if self.runtime.ledger.read(self.has_work):
                    return
                looked = now
            if waiting:
                over = self._ended({min(waiting)})  # the engine takes those of one index in their order
        if over:
            self._over |= over
            poll(self.runtime)  # so that the next step finds it settled

    def _submitted(self) -> set[int]:
        rows = self.runtime.ledger.read(partial(submitted.awaiting, generation=self.runtime.options.generation))
        return {uid for row in rows if row.index_uid == self.uid for uid in row.engine_uids}

    def _ended(self, uids: set[int]) -> set[int]:
        try:
            found = self.runtime.engine.tasks(uids)
        except EngineError:
            return set()
        return {uid for uid in uids if uid not in found or found[uid].terminal}
