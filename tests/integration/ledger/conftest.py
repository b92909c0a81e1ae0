"""The ledger on each database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine

from scrypath_celery.ledger import Ledger
from tests.integration.ledger.project import metadata


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An empty database of each kind."""
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def ledger(engine: Engine) -> Ledger:
    """A ledger, and the application's table beside it."""
    metadata.create_all(engine)
    ledger = Ledger(lambda: engine)
    ledger.create_all()
    return ledger
