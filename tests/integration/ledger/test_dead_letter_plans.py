"""What operators ask of dead letters touches what it shows, however many dead letters and settled works there are."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, insert, text

from scrypath_celery.ledger import Ledger, overview, selection, tables, works
from scrypath_celery.ledger.selection import Grouping, Order, WorkFilter
from scrypath_celery.work import ReasonClass, State

CLASSES = (ReasonClass.VALIDATION, ReasonClass.TRANSPORT, ReasonClass.BACKEND_REJECTED, ReasonClass.SOURCE)
RARE = ReasonClass.AUTH
NOW = 1_800_000_000.0
FEW, MANY, HISTORY = 500, 10_000, 20_000

Ask = Callable[[Connection], Any]

DEAD = WorkFilter(states=(State.FAILED,))
LAST_MINUTE = WorkFilter(states=(State.FAILED,), code="raised", since=NOW - 60.0)
OF_A_CLASS = WorkFilter(states=(State.FAILED,), index_uids=("post",), reason_class=RARE)

QUESTIONS: dict[str, Ask] = {
    "the first page": partial(selection.select_works, chosen=DEAD, limit=50),
    "the ten of the last minute by code": partial(selection.select_works, chosen=LAST_MINUTE, limit=50),
    "how many of them": partial(selection.count_works, chosen=LAST_MINUTE),
    "them by class": partial(selection.group_works, chosen=LAST_MINUTE, by=Grouping.CLASS),
    "the snapshot of a class": partial(selection.select_ids, chosen=OF_A_CLASS, order=Order.OLDEST),
    "how many of a class": partial(selection.count_works, chosen=OF_A_CLASS),
}

LISTED = (State.FAILED, State.RETRYING)

LOOKS: dict[str, Ask] = {
    "a page": partial(selection.select_works, chosen=WorkFilter(states=LISTED), limit=51),
    "the rollup": partial(selection.group_works, chosen=WorkFilter(states=LISTED), by=Grouping.CLASS),
    "the counts of status": works.counts,
    "the classes of reconcile": partial(overview.groups, states=LISTED, index_uid="post"),
    "the oldest": partial(overview.oldest_due, index_uid="post"),
    "the last success": partial(overview.last_succeeded, index_uid="post"),
}


def rows(count: int, state: State, *, at: float, reason_class: ReasonClass | None = None) -> list[dict[str, Any]]:
    row = {"index_uid": "post", "operation": "upsert", "ids": ["1"], "documents": 1, "mode": "celery"}
    row |= {"state": state.value, "created_at": at, "publish_after": at, "available_at": at}
    row |= {"reason_class": reason_class and reason_class.value, "error_code": "raised" if reason_class else None}
    return [{**row, "finished_at": at + n / 1000} for n in range(count)]


def fill(engine: Engine, dead: int, history: int) -> None:
    with engine.begin() as connection:
        for one in CLASSES if dead else ():
            old = rows(dead // len(CLASSES), State.FAILED, at=NOW - 86_400.0, reason_class=one)
            connection.execute(insert(tables.work), old)
        if history:
            connection.execute(insert(tables.work), rows(history, State.SUCCEEDED, at=NOW - 3600.0))
    with engine.connect() as connection:
        # As the server's own maintenance does: without it a plan knows nothing of what was just written.
        commands = {
            "postgresql": "VACUUM ANALYZE scrypath_work",
            "sqlite": "SELECT 1",
            "mysql": "ANALYZE TABLE scrypath_work",
        }
        name = "mysql" if engine.dialect.name in ("mysql", "mariadb") else engine.dialect.name
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(commands[name]))


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """A ledger with a few dead letters, ten of them of the last minute, and five of a rare class."""
    Ledger(lambda: engine).create_all()
    with engine.begin() as connection:
        connection.execute(insert(tables.work), rows(10, State.FAILED, at=NOW - 30.0, reason_class=ReasonClass.SOURCE))
        connection.execute(insert(tables.work), rows(5, State.FAILED, at=NOW - 7200.0, reason_class=RARE))
    fill(engine, FEW, 0)
    return engine


def touched(engine: Engine, ask: Ask) -> int:
    """A measure of the rows that the database reads for an answer: rows, or steps of SQLite's machine."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            return _steps(connection, ask)
        if engine.dialect.name == "postgresql":
            return _scanned(connection, ask)
        return _handled(connection, ask)


def _steps(connection: Connection, ask: Ask) -> int:
    count = 0

    def step() -> None:
        nonlocal count
        count += 1

    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(step, 10)
    ask(connection)
    driver.set_progress_handler(None, 10)
    return count


def _handled(connection: Connection, ask: Ask) -> int:
    def reads() -> int:
        found = connection.exec_driver_sql("SHOW SESSION STATUS LIKE 'Handler_read%%'").all()
        return sum(int(value) for _, value in found)

    before = reads()
    ask(connection)
    return reads() - before


def _scanned(connection: Connection, ask: Ask) -> int:
    asked: list[tuple[str, Any]] = []

    def note(*args: Any) -> None:
        asked.append((args[2], args[3]))

    event.listen(connection, "before_cursor_execute", note)
    ask(connection)
    event.remove(connection, "before_cursor_execute", note)
    plans = [
        connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", values).scalar_one()
        for sql, values in asked
    ]
    return sum(_rows(node["Plan"]) for plan in plans for node in (json.loads(plan) if isinstance(plan, str) else plan))


def _rows(node: dict[str, Any]) -> int:
    removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    own = (node["Actual Rows"] + removed) * node["Actual Loops"] if "Scan" in node["Node Type"] else 0
    return int(own + sum(_rows(one) for one in node.get("Plans", ())))


def test_questions_touch_no_more_rows_where_there_are_twenty_times_as_many(filled: Engine) -> None:
    few = {name: touched(filled, ask) for name, ask in QUESTIONS.items()}
    fill(filled, MANY, HISTORY)
    many = {name: touched(filled, ask) for name, ask in QUESTIONS.items()}
    # Once more as much is what another plan for the same rows may cost; the table has grown twentyfold and more.
    assert {name: (few[name], many[name]) for name in QUESTIONS if many[name] > 2 * few[name] + 20} == {}
    with filled.connect() as connection:
        assert len(QUESTIONS["the ten of the last minute by code"](connection)) == 10
        assert len(QUESTIONS["the snapshot of a class"](connection)) == 5


def test_status_failed_and_reconcile_pass_over_the_history(filled: Engine) -> None:
    few = {name: touched(filled, ask) for name, ask in LOOKS.items()}
    fill(filled, 0, HISTORY)
    many = {name: touched(filled, ask) for name, ask in LOOKS.items()}
    assert {name: (few[name], many[name]) for name in LOOKS if many[name] > 2 * few[name] + 20} == {}
