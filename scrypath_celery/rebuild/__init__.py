"""Rebuilds: repairing a live index, and building a new one beside it."""

from __future__ import annotations
