"""A Meilisearch-compatible engine for tests and first steps: what fakeredis is to Redis. No production engine."""

from __future__ import annotations

from scrypath_celery.embedded.engine import EmbeddedEngine
from scrypath_celery.embedded.faults import Fault, Faults
from scrypath_celery.embedded.serving import serve

__all__ = ["EmbeddedEngine", "Fault", "Faults", "serve"]
