"""How values are written in lines: `key=value`, with one word for what is not there."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..operator.serialization import iso


def value(found: Any) -> str:
    """One value; dates in UTC, `none` for nothing."""
    if found is None:
        return "none"
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, datetime):
        return iso(found)
    if isinstance(found, float):
        return f"{found:.1f}"
    return str(found)


def pairs(**values: Any) -> str:
    """`key=value`, parted by spaces, in the order given."""
    return " ".join(f"{key}={value(found)}" for key, found in values.items())
