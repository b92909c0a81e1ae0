"""How many documents of bulk works may be claimed now: the engine's queue is kept full, unless changes come in.

The engine merges all that waits for an index into one batch, and runs one batch at a time. A single change waits for
the batch that runs and for the one that waits before it; so while changes come in, what is on its way is bounded to
what the engine indexes in some seconds, which its own newest batches tell.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..errors import EngineError
from ..ledger import backlog
from ..runtime import Runtime
from ..work import MAX_IDS

MEASURED_FOR = 5.0
"""Seconds for which a measurement of the engine's batches holds."""
UNMEASURED = 5 * MAX_IDS
"""Documents on their way beside changes, as long as no batch of the engine has been seen."""
DOCUMENT_BYTES = 500.0
"""What a document is taken to weigh before any was sent."""


@dataclass(kw_only=True)
class Bulk:
    """What one run knows of bulk works and of the engine's pace."""

    runtime: Runtime
    sent_bytes: int = 0
    sent_documents: int = 0
    measured: int | None = None
    measured_at: float = 0.0

    def allowance(self) -> int:
        """Documents that a claim of bulk works may hold now; 0: none may be claimed.

        Raises:
            LedgerError: the ledger cannot be used.
        """
        options = self.runtime.options
        found = self.runtime.ledger.read(lambda tx: backlog.look(tx, recent=options.bulk_seconds))
        limit = int(options.bulk_bytes / self._weight())
        if found.live:
            limit = min(limit, self._beside_changes())
        left = limit - found.documents
        if found.documents and left < MAX_IDS:
            return 0
        return max(1, min(options.bulk_documents, left))

    def note(self, documents: int, size: int) -> None:
        """Note what a claim has sent, so that documents are known by their weight."""
        self.sent_documents += documents
        self.sent_bytes += size

    def _weight(self) -> float:
        return self.sent_bytes / self.sent_documents if self.sent_documents and self.sent_bytes else DOCUMENT_BYTES

    def _beside_changes(self) -> int:
        if self.measured is None or time.monotonic() - self.measured_at > MEASURED_FOR:
            self.measured = self._measure()
            self.measured_at = time.monotonic()
        return self.measured

    def _measure(self) -> int:
        """Documents that the engine indexes in `bulk_seconds`, by the largest of its newest batches."""
        try:
            batches = self.runtime.engine.newest_batches()
        except EngineError:
            return UNMEASURED
        documents, seconds = max(batches, default=(0, 0.0))
        if documents < MAX_IDS or seconds <= 0:
            return UNMEASURED
        return int(documents * self.runtime.options.bulk_seconds / seconds)
