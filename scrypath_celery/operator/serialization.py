"""Answers of the services in plain JSON types: one way for commands, inspect replies and whoever else asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

VERSION = 1
"""The version of the documents that commands print; it changes where a key changes its meaning."""


def as_json(value: Any) -> Any:
    """A frozen record as JSON types: dates as ISO 8601 in UTC, tuples as lists, enumerations as their values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {str(as_json(key)): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_json(item) for item in value]
    return value


def iso(date: datetime) -> str:
    """A date in UTC, to the millisecond."""
    return date.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def to_datetime(seconds: float | None) -> datetime | None:
    """The date of a time of the ledger (seconds since the epoch)."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def one_line(text: str | None) -> str:
    """A reason without line breaks."""
    return " ".join((text or "").split())
