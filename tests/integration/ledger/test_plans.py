"""The statements that run all day find their rows through an index, however long the history is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, insert, text

from scrypath_celery.ledger import Ledger, claims, maintenance, tables, works
from scrypath_celery.work import State

SETTLED, READY = 100_000, 50


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A ledger with a long history behind a short backlog."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('history') / 'ledger.db'}"
        else:
            url = stack.enter_context(request.getfixturevalue("postgresql").database())
        engine = create_engine(url)
        stack.callback(engine.dispose)
        fill(engine)
        yield engine


def fill(engine: Engine) -> None:
    Ledger(lambda: engine).create_all()
    row = {
        "index_uid": "post",
        "operation": "upsert",
        "ids": ["1"],
        "documents": 1,
        "mode": "celery",
        "created_at": 0.0,
        "publish_after": 0.0,
        "available_at": 0.0,
    }
    with engine.begin() as connection:
        for _ in range(0, SETTLED, 10_000):
            settled = {**row, "state": State.SUCCEEDED.value, "finished_at": 4e9}
            connection.execute(insert(tables.work), [settled] * 10_000)
        connection.execute(insert(tables.work), [{**row, "state": State.PENDING.value, "finished_at": None}] * READY)
        if engine.dialect.name == "postgresql":
            connection.execute(text("ANALYZE scrypath_work"))


def plans(engine: Engine, function: Callable[[Connection], Any]) -> list[str]:
    """How the database finds the works that the statements of `function` read."""
    found: list[tuple[str, Any]] = []

    def note(*args: Any) -> None:
        if "scrypath_work" in args[2] and args[2].lstrip().startswith("SELECT"):
            found.append((args[2], args[3]))

    event.listen(engine, "before_cursor_execute", note)
    Ledger(lambda: engine).run(function)
    event.remove(engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if engine.dialect.name == "sqlite" else "EXPLAIN "
    with engine.connect() as connection:
        rows = [connection.exec_driver_sql(explain + sql, values).all() for sql, values in found]
    return ["\n".join(str(row[-1]) for row in one) for one in rows]


def claim(connection: Connection) -> None:
    claims.take(connection, "post", documents=5, lease=60.0, worker="test")


EVERYDAY: dict[str, Callable[[Connection], Any]] = {
    "due": lambda tx: maintenance.due(tx, again=0.0),
    "counts": works.counts,
    "failed": lambda tx: works.listed(tx, [State.FAILED]),
    "running": lambda tx: works.running(tx, "nobody"),
    "prune": lambda tx: maintenance.prune(tx, keep_succeeded=86_400.0, keep_cancelled=86_400.0),
}


def test_a_claim_finds_ready_work_through_the_index_of_what_is_unfinished(engine: Engine) -> None:
    on_trial, found, chosen = plans(engine, claim)
    assert "ix_scrypath_work_trial" in on_trial
    assert found.count("ix_scrypath_work_ready") == 2  # what is pending, what is to be retried
    assert not any(whole in chosen for whole in ("Seq Scan", "SCAN"))  # the works themselves, by id
    # Rows come out of it in the order of ids, so that a claim reads no more of them than it takes.
    assert not any(sorting in found for sorting in ("Sort", "TEMP B-TREE"))


@pytest.mark.parametrize("name", EVERYDAY)
def test_nothing_that_runs_all_day_reads_the_whole_history(engine: Engine, name: str) -> None:
    found = plans(engine, EVERYDAY[name])
    assert found
    assert all("USING INDEX ix_" in plan or "USING COVERING INDEX ix_" in plan or "using ix_" in plan for plan in found)
    assert not any("SCAN scrypath_work" in plan or "Seq Scan on scrypath_work" in plan for plan in found)


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_the_index_of_ready_work_follows_the_backlog_not_the_history(engine: Engine) -> None:
    with engine.connect() as connection:
        sizes = [
            connection.execute(text(f"SELECT pg_relation_size('{name}')")).scalar() or 0
            for name in ("ix_scrypath_work_ready", "ix_scrypath_work_ended")
        ]
    assert sizes[0] * 50 < sizes[1]
