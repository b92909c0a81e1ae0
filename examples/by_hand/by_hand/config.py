"""Where the services are."""

from __future__ import annotations

import os

BROKER = os.environ.get("BY_HAND_BROKER", "redis://127.0.0.1:6379/0")
DATABASE = os.environ.get("BY_HAND_DATABASE", "sqlite:///by_hand.db")
ENGINE = os.environ.get("BY_HAND_ENGINE", "http://127.0.0.1:7700")
ENGINE_KEY = os.environ.get("BY_HAND_ENGINE_KEY")

VISIBILITY = int(os.environ.get("BY_HAND_VISIBILITY", "600"))
"""Seconds after which Redis gives what a lost worker had taken to another: longer than the longest task."""

INDEX = "items"
PAGE = 1_000
"""Records that a rebuild sends at once."""
