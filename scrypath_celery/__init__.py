"""Keep a Meilisearch index in step with SQLAlchemy models, through Celery, without lying about it."""

from __future__ import annotations
