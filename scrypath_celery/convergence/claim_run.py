"""One run: the claim that a process holds, and what it has sent and learnt so far."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from ..declaration.schema import Schema
from ..ledger import claims, indexes, works
from ..runtime import Runtime
from ..work import Claim, Failure
from .summary import Summary


class Lost(Exception):
    """The claim is no longer ours."""


class Stopped(Exception):
    """Engine, database or key do not work at all: the index is paused, no work is to blame."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


@dataclass(frozen=True, kw_only=True)
class Send:
    """One answered request: its task's uid, the token that it bears, and the documents that it holds."""

    uid: int
    token: str
    ids: tuple[str, ...]
    deletion: bool


@dataclass(kw_only=True)
class ClaimRun:
    """The state of one claim on its way; `index` is the engine's uid that it sends to.

    With `barriers` each request stands between two of them in the engine's list of tasks.
    Of its documents `asked` are those of any request, `condemned` are proven to be wrong, `again` failed and cost an
    run, `postponed` wait without one, and of `unknown` it is not known whether the engine took them.
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
    asked: set[str] = field(default_factory=set)
    unanswered: int = 0
    condemned: dict[str, Failure] = field(default_factory=dict)
    again: dict[str, Failure] = field(default_factory=dict)
    postponed: dict[str, Failure] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    mark: tuple[int, str] | None = None
    outcome: Summary = field(default_factory=Summary)

    def next_token(self) -> str:
        """The token of the next request: claim and number of the request, so that each bears its own."""
        self.requests += 1
        return f"scrypath:{self.claim.token}:{self.requests}"

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
        """Keep our other claims of the index away while a payload is tried; false where another trial is on."""
        uid, token, lease = self.claim.index_uid, self.claim.token, self.runtime.options.lease
        return self.runtime.ledger.run(lambda tx: indexes.enter(tx, uid, token, lease))

    def leave_trial(self) -> None:
        """Let the other claims go on."""
        self.runtime.ledger.run(lambda tx: indexes.leave(tx, self.claim.index_uid, self.claim.token))

    def requeue(self, ids: Iterable[str]) -> None:
        """Put new work for these ids into the ledger."""
        chosen = list(ids)
        if chosen:
            self.outcome.requeued += self.runtime.ledger.run(lambda tx: works.requeue(tx, self.claim.index_uid, chosen))
