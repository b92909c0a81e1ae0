"""Answers as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from scrypath_celery.operator.serialization import as_json, one_line, to_datetime
from scrypath_celery.work import State


@dataclass(frozen=True, kw_only=True)
class Thing:
    value: Any


def test_every_value_becomes_a_plain_json_type() -> None:
    thing = Thing(value={State.FAILED: (Thing(value=None), datetime(2026, 1, 2, 3, 4, 5, 600_000, UTC))})
    assert as_json(thing) == {"value": {"failed": [{"value": None}, "2026-01-02T03:04:05.600Z"]}}
    assert json.loads(json.dumps(as_json(thing))) == as_json(thing)


def test_dates_are_in_utc() -> None:
    assert as_json(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:00:00.000Z"


def test_a_time_of_the_ledger_becomes_a_date() -> None:
    assert to_datetime(0.0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert to_datetime(None) is None


def test_a_reason_stays_on_one_line() -> None:
    assert one_line("first\n  second\tthird") == "first second third"
    assert one_line(None) == ""
