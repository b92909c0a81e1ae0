"""A library in a SQLite file, as it is and with its sessions tracked."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.related.library import Library, open_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A library of three books, indexed."""
    opened = open_library(f"sqlite:///{tmp_path / 'library.db'}")
    opened.fill()
    yield opened
    opened.engine.dispose()


@pytest.fixture
def tracked(library: Library) -> Iterator[Library]:
    """The same, with its sessions tracked."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".* is reached by ON DELETE")
        library.tracker.track(library.make)
    yield library
    library.tracker.untrack(library.make)
