"""The application as it runs: `celery -A shop.main worker`, `scrypath-celery -A shop.main status`."""

from __future__ import annotations

from .factory import create_app

shop = create_app()
app = shop.celery_app
