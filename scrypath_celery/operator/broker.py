"""What the broker and the workers said; the edge that speaks to them fills it in."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AnsweringWorker:
    """A worker that answered: its node name, the queues that it consumes, and the indexes that it declares."""

    name: str
    queues: tuple[str, ...] = ()
    declares: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Broker:
    """The queue's depth (messages that no worker has taken) and who answered; None where `unknown` says why.

    `bulk_queue` is that of backfills and rebuilds, where they have one of their own.
    """

    url: str
    queue: str
    depth: int | None = None
    bulk_queue: str | None = None
    bulk_depth: int | None = None
    workers: tuple[AnsweringWorker, ...] | None = None
    unknown: str | None = None

    @property
    def consumed(self) -> bool | None:
        """Whether a worker that answered consumes the queue; None where nobody could be asked."""
        if self.workers is None:
            return None
        return any(self.queue in worker.queues for worker in self.workers)

    @property
    def bulk_consumed(self) -> bool | None:
        """The same for the queue of backfills and rebuilds; None also where they have none of their own."""
        if self.workers is None or self.bulk_queue is None:
            return None
        return any(self.bulk_queue in worker.queues for worker in self.workers)

    def knows(self, uid: str) -> bool | None:
        """Whether a worker on the queue declares an index (unprefixed uid); None where none answered."""
        if not self.consumed or self.workers is None:
            return None
        return any(uid in worker.declares for worker in self.workers if self.queue in worker.queues)
