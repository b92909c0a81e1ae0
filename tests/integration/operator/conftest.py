"""A shop without workers, and works of it in every state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from scrypath_celery.ledger import tables, works
from scrypath_celery.testing.engine import EngineUnderTest
from scrypath_celery.work import Mode, Operation, State
from tests.shop import Setup, Shop


@pytest.fixture
def shop(tmp_path: Path, scrypath_engine: EngineUnderTest) -> Iterator[Shop]:
    """A shop on SQLite and the engine, with a broker that is not there."""
    options = {"meilisearch_api_key": scrypath_engine.api_key} if scrypath_engine.api_key else {}
    setup = Setup(
        broker="redis://:secret@127.0.0.1:1/0",
        database=f"sqlite:///{tmp_path / 'shop.db'}",
        meilisearch_url=scrypath_engine.url,
        options=options,
    )
    opened = Shop(setup).create()
    yield opened
    opened.close()


def write(shop: Shop, state: State, *, id: str = "1", uid: str = "posts", **values: object) -> int:
    """Write one work in a state; its id in the ledger."""

    def one(tx: object) -> int:
        [written] = works.write(tx, uid, Operation.UPSERT, [id], Mode.CELERY)  # type: ignore[arg-type]
        changed = {"state": state.value, **values}
        tx.execute(update(tables.work).where(tables.work.c.id == written).values(**changed))  # type: ignore[attr-defined]
        return written

    return shop.search.ledger.run(one)
