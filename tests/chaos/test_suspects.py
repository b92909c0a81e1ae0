"""Works that were claimed without settling: they stand alone, take no others with them, and end as one dead letter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from scrypath_celery.convergence import executor
from scrypath_celery.ledger import claims, tables, works
from scrypath_celery.source import Reading, Source
from scrypath_celery.work import ReasonClass, State
from tests.chaos.world import World, world


@pytest.fixture
def alone(sqlite_url: str, tmp_path: Path) -> Iterator[World]:
    """An application without a worker: works are run here."""
    with world(sqlite_url, "memory://", tmp_path, pools=(), options={"max_claims": 4}) as made:
        yield made


def test_a_suspect_is_claimed_alone_and_never_beside_another_claim(alone: World) -> None:
    ledger = alone.shop.search.ledger
    first, second, third = alone.write({1: 1, 2: 2, 3: 3})
    again = update(tables.work).where(tables.work.c.id == first).values(claims=claims.SUSPECT)
    ledger.run(lambda tx: tx.execute(again))
    take = partial(claims.take, uid="items", documents=100, lease=60.0, worker="host:1:1")
    beside = ledger.run(lambda tx: take(tx, suspects=False))
    assert beside is not None
    assert [work.id for work in beside.works] == [second, third]
    by_itself = ledger.run(lambda tx: take(tx))
    assert by_itself is not None
    assert [work.id for work in by_itself.works] == [first]


def test_a_work_whose_claim_ends_with_an_error_of_ours_is_a_dead_letter_in_the_end(
    alone: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Source.read

    def stumble(source: Source, schema: Any, ids: Sequence[str], *note: Any) -> Reading:
        if "2" in ids:
            raise RuntimeError("nobody foresaw it")
        return read(source, schema, ids)

    monkeypatch.setattr(Source, "read", stumble)
    _, poison, _ = alone.write({1: 1, 2: 2, 3: 3})
    search = alone.shop.search
    for _ in range(4):
        with pytest.raises(RuntimeError):
            executor.run_ready_works(search.runtime, "items", seconds=5)
    search.drain()
    failed = search.ledger.read(lambda tx: works.listed(tx, [State.FAILED]))
    assert [(work.id, work.reason_class, work.error_code) for work in failed] == [
        (poison, ReasonClass.SOURCE, claims.NEVER_SETTLED)
    ]
    assert alone.documents() == {1: 1, 3: 3}
