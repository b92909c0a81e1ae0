"""The points of a convergence between which a process can stop, be killed or fall asleep."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..work import EngineTask


class Step(StrEnum):
    """What has just been done; each stands before or after a write to the ledger or the engine."""

    CREATED = "created"
    PREPARED = "prepared"
    READ = "read"
    LOOKED = "looked"
    SENT = "sent"
    RECORDED = "recorded"
    CHECKED = "checked"
    JUDGED = "judged"
    SETTLED = "settled"
    REPORTED = "reported"
    PAUSED = "paused"


class Phase(StrEnum):
    """The parts that the time of a claim is counted in."""

    CLAIM = "claim"
    READ = "read"
    SEND = "send"
    AWAIT = "await"
    SETTLE = "settle"


PHASES = {
    Step.CREATED: Phase.SEND,
    Step.PREPARED: Phase.SEND,
    Step.READ: Phase.READ,
    Step.LOOKED: Phase.SEND,
    Step.SENT: Phase.SEND,
    Step.RECORDED: Phase.SEND,
    Step.CHECKED: Phase.SETTLE,
    Step.JUDGED: Phase.SETTLE,
}
"""The phase that the time up to a step is counted in; what comes after a settlement is in none."""


@dataclass(frozen=True, kw_only=True)
class Await:
    """A awaiting to know how these engine tasks ended.

    The driver answers with the tasks that the engine knows, terminal or not (a missing one is unknown to it), or
    with None where it did not wait or could not ask. `last` marks the wait that modes without one leave out.
    """

    uids: frozenset[int]
    last: bool = False


Tasks = Mapping[int, EngineTask] | None
Steps = Generator[Step | Await, Tasks, None]
