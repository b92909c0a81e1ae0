"""How claims ended: what a task tells Celery, and a call its caller."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..work import ReasonClass


@dataclass(kw_only=True)
class Summary:
    """Counts and ids of one or more claims; filled in as they go on.

    `held_back` says that bulk works are ready which wait for the engine; the relay goes on with them. `fanned_out` are
    the works that were written for fan-outs, `elsewhere` those among them of other indexes, by index. `codes` are the
    error codes of those that failed. Its text holds no document ids: error trackers send it along.
    """

    claims: int = 0
    documents: int = 0
    claimed: list[int] = field(default_factory=list)
    succeeded: list[int] = field(default_factory=list)
    submitted: list[int] = field(default_factory=list)
    retrying: dict[int, ReasonClass] = field(default_factory=dict)
    failed: dict[int, ReasonClass] = field(default_factory=dict)
    codes: dict[int, str] = field(default_factory=dict)
    given_back: list[int] = field(default_factory=list)
    requeued: list[int] = field(default_factory=list)
    engine_uids: list[int] = field(default_factory=list)
    indexed: set[str] = field(default_factory=set, repr=False)
    deleted: set[str] = field(default_factory=set, repr=False)
    paused: ReasonClass | None = None
    lost: bool = False
    held_back: bool = False
    retry_in: float = 0.0
    fanned_out: list[int] = field(default_factory=list)
    elsewhere: dict[str, list[int]] = field(default_factory=dict)

    def add(self, other: Summary) -> None:
        """Take in what another claim came to."""
        self.claims += other.claims
        self.documents += other.documents
        for name in ("claimed", "succeeded", "submitted", "given_back", "requeued", "engine_uids", "fanned_out"):
            getattr(self, name).extend(getattr(other, name))
        self.retrying.update(other.retrying)
        self.failed.update(other.failed)
        self.codes.update(other.codes)
        self.indexed |= other.indexed
        self.deleted |= other.deleted
        self.paused = other.paused or self.paused
        self.lost |= other.lost
        self.retry_in = max(self.retry_in, other.retry_in)

    def classes(self, ids: Iterable[ReasonClass]) -> dict[str, int]:
        """How many of each reason class."""
        found: dict[str, int] = {}
        for reason_class in ids:
            found[reason_class.value] = found.get(reason_class.value, 0) + 1
        return found
