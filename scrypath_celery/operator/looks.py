"""Two looks at each document that differs: what is seen once may be work under way, what is seen twice is a finding."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from ..declaration.schema import Schema
from ..ledger import changes
from ..runtime import Runtime
from ..work import MAX_IDS
from .comparison import Finding, compare
from .found_ids import FoundIds

SECOND_LOOK = 2.0
"""Seconds between two looks where no ledger says what is under way."""


@dataclass(kw_only=True)
class Looks:
    """Ids that were looked at once and differed, until a second look decides; then they are in `found`.

    Few of them wait here; more are put off, so that memory stays small where work changes many of them.
    """

    runtime: Runtime
    schema: Schema
    index: str
    ledger: bool
    patience: float
    found: FoundIds
    waiting: dict[str, Finding] = field(default_factory=dict)
    since: float = 0.0

    def first(self, ids: Sequence[str]) -> None:
        """Look at these ids for the first time; once enough of them differ, decide what can be decided."""
        seen = self.waiting.keys() | self.found.known(ids)
        fresh = [id for id in ids if id not in seen]
        if not fresh:
            return
        since = self._moment()
        differing = compare(self.runtime, self.schema, self.index, fresh)
        if differing and not self.waiting:
            self.since = since
        self.waiting.update(differing)
        if len(self.waiting) < MAX_IDS:
            return
        if self.ledger:
            self.decide()
        if len(self.waiting) >= MAX_IDS:
            self._put_off()

    def decide(self) -> int:
        """Look again at all that wait; how many of them are decided. The others wait, with what was seen now."""
        ids, before = list(self.waiting), len(self.waiting)
        if not ids:
            return 0
        since, again = self._moment(), dict[str, Finding]()
        for start in range(0, len(ids), MAX_IDS):
            again.update(compare(self.runtime, self.schema, self.index, ids[start : start + MAX_IDS]))
        changing = self._changing(list(again))
        same = {id: one for id, one in again.items() if id not in changing and self.waiting[id] == one}
        self.found.add(same)
        self.waiting = {id: one for id, one in again.items() if id not in same}
        self.since = since
        return before - len(self.waiting)

    def finish(self) -> None:
        """Decide until nothing waits, or nothing was decided for the time of patience."""
        if not self.ledger:
            self._put_off()
            if self.found.some_put_off():
                threading.Event().wait(SECOND_LOOK)
        end = time.monotonic() + self.patience
        while True:
            end = self._decide_until(end)
            self.found.give_up(self.waiting)
            self.waiting, self.since = self.found.take_put_off()
            if not self.waiting:
                return

    def _decide_until(self, end: float) -> float:
        """Decide what waits, once at least; when patience is over for what comes next."""
        pause, interval = threading.Event(), 0.1
        while self.waiting:
            if self.decide():
                end, interval = time.monotonic() + self.patience, 0.1
            elif time.monotonic() >= end:
                break
            elif self.waiting:
                pause.wait(interval)
                interval = min(interval * 1.5, 2.0)
        return end

    def _put_off(self) -> None:
        self.found.put_off(self.waiting, self.since)
        self.waiting = {}

    def _moment(self) -> float:
        return self.runtime.ledger.read(changes.moment) if self.ledger else 0.0

    def _changing(self, ids: Sequence[str]) -> set[str]:
        """Those of these ids whose difference may be work under way, as the ledger saw it between both looks."""
        if not self.ledger or not ids:
            return set()
        uid = self.schema.uid
        if self.runtime.ledger.read(lambda tx: changes.cutting_over(tx, uid)):
            return set(ids)
        return self.runtime.ledger.read(partial(changes.changing, index_uid=uid, since=self.since, ids=ids))
