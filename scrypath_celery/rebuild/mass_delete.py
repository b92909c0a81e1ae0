"""The cap on deletions that nobody asked for: of documents without a record, and of records that are not seen."""

from __future__ import annotations

from ..config import Options


def cap_of(options: Options, documents: int) -> int:
    """How many of these documents may be deleted without a word: a number or a share, whichever is more."""
    return max(options.mass_delete_count, int(documents * options.mass_delete_share))
