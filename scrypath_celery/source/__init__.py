"""The application's records: read, projected and encoded."""

from __future__ import annotations

from .reading import Reading
from .source import Source

__all__ = ["Reading", "Source"]
