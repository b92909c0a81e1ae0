"""A shop whose rebuilds run in the test's own process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from scrypath_celery.testing.engine import EngineUnderTest
from tests.shop import Post, Setup, Shop


@pytest.fixture
def shop(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Shop]:
    """A shop on SQLite and the engine, with a broker in memory: a rebuild runs where it is called."""
    options = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    setup = Setup(
        broker="memory://",
        database=f"sqlite:///{tmp_path / 'shop.db'}",
        meilisearch_url=scrypath_engine.url,
        options=options,
    )
    opened = Shop(setup).create()
    yield opened
    opened.close()


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """The shop with twenty posts that are synced."""
    shop.add(*range(1, 21))
    shop.search.drain()
    assert len(shop.documents()) == 20
    return shop


def write(shop: Shop, *ids: int, **values: str) -> None:
    """Change posts and sync them."""
    with shop.Session.begin() as session:
        for id in ids:
            post = session.get_one(Post, id)
            for name, value in values.items():
                setattr(post, name, value)
            shop.search.sync_record(post, session=session)


def remove(shop: Shop, *ids: int) -> None:
    """Delete posts and sync them."""
    with shop.Session.begin() as session:
        for id in ids:
            post = session.get_one(Post, id)
            shop.search.delete_record(post, session=session)
            session.delete(post)
