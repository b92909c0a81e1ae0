"""What takes minutes: `nox -s chaos` runs it, the ordinary suite does not."""

from __future__ import annotations

import os

import pytest

LONG = bool(os.environ.get("SCRYPATH_TEST_LONG"))
long = pytest.mark.skipif(not LONG, reason="takes minutes: `nox -s chaos` sets SCRYPATH_TEST_LONG")
