"""An engine for the tests of this folder: one for all, as new for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from scrypath_celery.embedded import EmbeddedEngine
from tests.embedded.wire import Wire


@pytest.fixture(scope="session")
def one_engine() -> Iterator[EmbeddedEngine]:
    """The engine that all tests share; use `engine`, which resets it."""
    with EmbeddedEngine() as engine:
        yield engine


@pytest.fixture
def engine(one_engine: EmbeddedEngine) -> EmbeddedEngine:
    """An engine without indexes, tasks and faults."""
    one_engine.reset()
    return one_engine


@pytest.fixture
def wire(engine: EmbeddedEngine) -> Iterator[Wire]:
    """Raw HTTP to the engine."""
    wire = Wire(engine.url)
    yield wire
    wire.close()
