"""The application's records: read, projected and encoded."""

from __future__ import annotations

from .source import Reading, Source

__all__ = ["Reading", "Source"]
