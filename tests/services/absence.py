"""A service that is not there: a skipped test on somebody's laptop, a failure where the whole suite is to be shown."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def absent(service: str, reason: str) -> NoReturn:
    """Skip the test that needs `service`; fail it where `CI=true`."""
    line = f"{service} is not available: {reason}"
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(line, pytrace=False)
    pytest.skip(line)
