"""Triggers: the database itself writes works, so that no write is missed, whoever makes it."""

from __future__ import annotations

from .declarations import Declarations
from .trigger import TableStatus, TriggerState
from .triggers import Triggers, remove_index, undeclared

__all__ = ["Declarations", "TableStatus", "TriggerState", "Triggers", "remove_index", "undeclared"]
