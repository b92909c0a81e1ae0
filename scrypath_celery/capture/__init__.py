"""Capture: from a write in a session to a row of the ledger."""

from __future__ import annotations
