"""The HTTP routes of the engine."""

from __future__ import annotations
