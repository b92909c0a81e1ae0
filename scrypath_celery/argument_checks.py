"""Arguments of calls: what a number, a time or a list must be, refused in one line where it is something else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from .errors import ConfigError, ScrypathError

LONGEST = 1_000_000_000
"""The longest time that a call takes, in seconds (some thirty years)."""


def whole(name: str, value: Any, *, least: int = 0, error: type[ScrypathError] = ConfigError) -> int:
    """A whole number from `least` on.

    Raises:
        ConfigError: it is none; another kind of error, where one is named.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise error(f"{name} must be a whole number from {least} on, not {_shown(value)}")
    return value


def seconds(name: str, value: Any, *, error: type[ScrypathError] = ConfigError) -> float:
    """A time in seconds.

    Raises:
        ConfigError: it is none; another kind of error, where one is named.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST:
        raise error(f"{name} must be a number of seconds from 0 to {LONGEST:,}, not {_shown(value)}")
    return float(value)


def several(name: str, values: Any, *, error: type[ScrypathError] = ConfigError) -> list[Any]:
    """What a list or anything else that can be walked through holds; a text, which holds letters, is none.

    Raises:
        ConfigError: it is no list; another kind of error, where one is named.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise error(f"{name} must be a list, not {type(values).__name__}")
    return list(values)


def moment(name: str, value: Any, *, error: type[ScrypathError] = ConfigError) -> datetime | timedelta:
    """A date, or how long ago it was.

    Raises:
        ConfigError: it is neither; another kind of error, where one is named.
    """
    if not isinstance(value, datetime | timedelta):
        raise error(f"{name} must be a datetime, or a timedelta before now, not {_shown(value)}")
    return value


def _shown(value: Any) -> str:
    """A number as it is, of all else the type."""
    if isinstance(value, int | float) and not isinstance(value, bool) and -(10**15) < value < 10**15:
        return repr(value)
    return repr(value) if isinstance(value, float) else type(value).__name__
