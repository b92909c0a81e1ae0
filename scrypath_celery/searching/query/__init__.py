"""From what a search asks to the engine's language; pure."""

from __future__ import annotations
