"""One run: the claim that a process holds, and what it has sent and learnt so far."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from ..declaration.schema import Schema
from ..ledger import claims, indexes, works
from ..runtime import Runtime
from ..work import Claim, Failure
from .checkpoints import Phase
from .outcomes import Outcomes
from .ownership import mark_of
from .summary import Summary


class Lost(Exception):
    """The claim is no longer ours."""


class Stopped(Exception):
    """Engine, database, key or index do not work at all: the index is paused, no work is to blame."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass(frozen=True, kw_only=True)
class Send:
    """One answered request: its task's uid, the token that it bears, and the documents that it holds.

    `barrier` is the uid of the barrier right before it, None where it was sent without one.
    """

    uid: int
    token: str
    ids: tuple[str, ...]
    deletion: bool
    barrier: int | None = None


@dataclass(kw_only=True)
class ClaimRun:
    """The state of one claim on its way; `index` is the engine's uid that it sends to.

    With `barriers` each request stands between two of them in the engine's list of tasks. `requested` are the
    documents of any request, `documents` their outcomes. `open` are sends that the engine was not done with at the
    last look, `trials` the groups in which documents of them are tried, and `tried` says that it kept others away.
    `began` is when it was claimed, on this process's monotonic clock, and `seconds` what each phase took so far.
    """

    runtime: Runtime
    claim: Claim
    schema: Schema
    index: str
    to_target: bool = False
    sends: list[Send] = field(default_factory=list)
    barriers: bool = False
    requests: int = 0
    sent_bytes: int = 0
    groups: int = 0
    requested: set[str] = field(default_factory=set)
    unanswered: int = 0
    documents: Outcomes = field(default_factory=Outcomes)
    open: list[Send] = field(default_factory=list)
    trials: dict[str, str] = field(default_factory=dict)
    tried: bool = False
    mark: tuple[int, str] | None = None
    outcome: Summary = field(default_factory=Summary)
    began: float = field(default_factory=time.monotonic)
    seconds: dict[Phase, float] = field(default_factory=dict)

    def now(self) -> float:
        """The time, in seconds since the epoch on the ledger's clock: when it was claimed, and what passed here."""
        return self.claim.at + time.monotonic() - self.began

    def spend(self, phase: Phase | None, seconds: float) -> None:
        """Count time that a phase took; of None none is counted."""
        if phase is not None:
            self.seconds[phase] = self.seconds.get(phase, 0.0) + seconds

    def next_token(self) -> str:
        """The token of the next request: its claim, its number, and the ledger that it is of."""
        self.requests += 1
        return f"scrypath:{self.claim.token}:{self.requests}:{mark_of(self.runtime)}"

    def next_group(self) -> str:
        """The name of another group of documents that are tried together."""
        self.groups += 1
        return f"{self.claim.number}.{self.groups}"

    def renew_lease(self, *, unanswered: int = 0) -> None:
        """Renew the lease, noting the uids so far.

        Raises:
            Lost: the claim was taken over.
        """
        self.unanswered += unanswered
        lease = self.runtime.options.lease
        uids = [send.uid for send in self.sends]
        hold = partial(claims.hold, token=self.claim.token, lease=lease, uids=uids, unanswered=unanswered)
        if not self.runtime.ledger.run(hold):
            raise Lost

    def enter_trial(self) -> bool:
        """Keep other trials of the index away for one lease; false where another one is on."""
        uid, token, lease = self.claim.index_uid, self.claim.token, self.runtime.options.lease
        self.tried = True
        return self.runtime.ledger.run(lambda tx: indexes.enter(tx, uid, token, lease))

    def leave_trial(self) -> None:
        """Let other trials go on."""
        self.runtime.ledger.run(lambda tx: indexes.leave(tx, self.claim.index_uid, self.claim.token))

    def requeue(self, ids: Iterable[str]) -> None:
        """Put new work for these ids into the ledger."""
        chosen = list(ids)
        if chosen:
            self.outcome.requeued += self.runtime.ledger.run(lambda tx: works.requeue(tx, self.claim.index_uid, chosen))
