"""Search: from a query to records of the application."""

from __future__ import annotations
