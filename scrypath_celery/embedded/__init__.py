"""A Meilisearch-compatible engine for tests and first steps: what fakeredis is to Redis. No production engine."""

from __future__ import annotations

from .engine import EmbeddedEngine
from .faults import Fault, Faults
from .serving import serve

__all__ = ["EmbeddedEngine", "Fault", "Faults", "serve"]
