"""The engine adapter: all that speaks to Meilisearch."""

from __future__ import annotations

from .engine import Engine

__all__ = ["Engine"]
