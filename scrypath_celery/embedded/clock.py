"""Times as the engine writes them: RFC 3339 in UTC with a fraction of nine digits, durations in ISO 8601."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

_BILLION = 1_000_000_000


def now() -> str:
    """The present time; texts of this form compare as the times do."""
    return _text(time.time_ns())


def _text(nanoseconds: int) -> str:
    seconds, rest = divmod(nanoseconds, _BILLION)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"


def nanoseconds(text: str) -> int:
    """Nanoseconds since 1970 of a time that `now` wrote."""
    moment = datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    return int(moment.timestamp()) * _BILLION + int(text[20:29])


def duration(started: str, finished: str) -> str:
    """The time between two times of `now`, as `PT0.123456789S`."""
    seconds, rest = divmod(max(0, nanoseconds(finished) - nanoseconds(started)), _BILLION)
    return f"PT{seconds}.{rest:09d}S"


def bound(text: str, *, after: bool) -> str:
    """A bound of a list's date filter as a text that compares with `now`'s.

    `text` is RFC 3339 or `YYYY-MM-DD`; a date alone means its midnight, and with `after` the next day's, since
    bounds are exclusive. ValueError where it is neither.
    """
    if len(text) == 10:
        day = date.fromisoformat(text) + (timedelta(days=1) if after else timedelta())
        return f"{day.isoformat()}T00:00:00.000000000Z"
    if "T" not in text and "t" not in text:
        raise ValueError(text)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z"
