"""Sync: from a write of the application to a settled work."""

from __future__ import annotations
