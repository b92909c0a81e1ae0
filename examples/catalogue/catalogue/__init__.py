"""A catalogue with faceted search, as a page of Flask and as an API of FastAPI."""

from __future__ import annotations
