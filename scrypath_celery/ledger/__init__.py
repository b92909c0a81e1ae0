"""The ledger adapter: all that speaks SQL to the ledger. Its modules are functions over a connection of `Ledger`."""

from __future__ import annotations

from .database import Ledger

__all__ = ["Ledger"]
