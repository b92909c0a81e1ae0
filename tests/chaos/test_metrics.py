"""Whatever strikes, what an exporter tells is what the ledger holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from scrypath_celery.ledger import tables
from scrypath_celery.work import OPEN, State
from tests.chaos import faults
from tests.chaos.episode import play
from tests.chaos.world import World, world
from tests.metrics.scraping import counted, scrape

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

STRIKES = (faults.child_killed, faults.worker_killed, faults.broker_flushed, faults.engine_fault("refuse", status=503))


def documents(made: World) -> int:
    query = select(func.sum(tables.work.c.documents)).where(tables.work.c.state == State.SUCCEEDED.value)
    return int(made.shop.search.ledger.read(lambda tx: tx.execute(query).scalar_one()))


def test_after_chaos_the_exporter_tells_what_the_ledger_holds(
    sqlite_url: str, fakeredis_server: Callable[[], Any], tmp_path: Path
) -> None:
    with world(sqlite_url, fakeredis_server(), tmp_path) as made:
        search = made.shop.search
        report = play(made, 0, STRIKES, steps=40)
        assert report.settled
        there, classes = counted(search, "state"), counted(search, "state", "reason_class")
        found = scrape(search, process=False)
        assert found["scrypath_works_settled_total", "succeeded", "Item"] == there[(State.SUCCEEDED,)]
        assert found["scrypath_documents_settled_total", "Item"] == documents(made)
        assert found["scrypath_searchable_seconds_count", "Item"] == there[(State.SUCCEEDED,)]
        assert {state: found["scrypath_works", "Item", state] for state in OPEN} == dict.fromkeys(OPEN, 0)
        dead = {key[1]: value for key, value in found.items() if key[0] == "scrypath_dead_letters" and value}
        lettered = {key[1]: value for key, value in found.items() if key[0] == "scrypath_works_dead_lettered_total"}
        assert dead == {key[1]: count for key, count in classes.items() if key[0] == State.FAILED}
        assert {name: value for name, value in lettered.items() if value} == dead
