"""Fixtures of the tests that write and read records."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.blog import Blog, open_blog


@pytest.fixture
def blog(tmp_path: Path) -> Iterator[Blog]:
    """A blog in a SQLite file of its own."""
    opened = open_blog(f"sqlite:///{tmp_path / 'blog.db'}")
    yield opened
    opened.engine.dispose()
