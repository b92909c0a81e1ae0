"""A service that is missing is a reason to skip at home, never a reason to be green where everything is to be shown."""

from __future__ import annotations

import pytest

from tests.services.absence import absent


def test_a_missing_service_skips_its_test_at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="Redis is not available: no binary"):
        absent("Redis", "no binary")


def test_a_missing_service_fails_its_test_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Redis is not available: no binary"):
        absent("Redis", "no binary")
