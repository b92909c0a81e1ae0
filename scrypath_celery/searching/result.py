"""What a search found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SearchResult(Generic[T]):
    """One page of records, in the order of relevance.

    `missing` are the ids that the index still has and the session does not see: deleted since they were indexed, or
    hidden by criteria of the session. `total` counts all that the index found, `page` starts at 1.
    """

    records: tuple[T, ...]
    missing: tuple[str, ...]
    total: int
    page: int
    per_page: int

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return -(-self.total // self.per_page)

    def __len__(self) -> int:
        return len(self.records)
