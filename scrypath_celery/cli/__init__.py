"""The commands of operators: `scrypath-celery ...`, and the same as `celery -A app scrypath ...`."""

from __future__ import annotations

from .group import main

__all__ = ["main"]
