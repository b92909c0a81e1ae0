"""What operators look at: on a ledger of a million works against one of a thousand, and among 10,000 dead letters."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Engine, create_engine, insert, text
from sqlalchemy.orm import sessionmaker

from scrypath_celery.ledger import Ledger, overview, tables
from scrypath_celery.ledger.sqlite import configure
from scrypath_celery.metrics import COUNTED, collector
from scrypath_celery.metrics.ledger_look import look_at_ledger
from tests.bench.application import Article, Base, search
from tests.bench.lab import ENVIRONMENT
from tests.bench.report import Line
from tests.services.mariadb import mariadb_server
from tests.services.postgresql import postgresql_server

SMALL, DOUBLINGS = 1_000, 10
CLASSES = ("validation", "transport", "backend_rejected", "auth", "source")
DEAD = 10_000


def operators() -> Iterator[Line]:
    """Each look on each database, with a long history and with all states grown alike; then the three commands."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="scrypath-bench-"))
        servers = {"PostgreSQL": postgresql_server, "MariaDB": mariadb_server}
        for name in ("PostgreSQL", "MariaDB", "SQLite"):
            running = stack.enter_context(servers[name]()) if name in servers else None
            for what, share in (("history", 0.0), ("all states", 0.1)):
                file = f"sqlite:///{Path(folder) / what.replace(' ', '_')}.db"
                with running.database() if running is not None else _file(file) as url, _bound(url) as engine:
                    yield from _grown(engine, url, f"{name}, {what}", share)
            with running.database() if running is not None else _file(f"{file}.2") as url, _bound(url) as engine:
                yield from _commands(engine, name)


@contextmanager
def _file(url: str) -> Iterator[str]:
    yield url


@contextmanager
def _bound(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        configure(engine)
    Base.metadata.create_all(engine)
    with search.override(database=sessionmaker(engine)):
        search.ledger.create_all()
        yield engine
    engine.dispose()


def _grown(engine: Engine, url: str, name: str, share: float) -> Iterator[Line]:
    """`share` of the works that are added are open, and as many are dead letters; the rest is history.

    Measured as calls, and as what an operator waits for: the commands.
    """
    looks: dict[str, Callable[[], Any]] = {
        "status": search.sync_status,
        "failed": search.failed,
        "reconcile": search.reconcile_sync,
        "a scrape": lambda: list(collector(search, timeout=60.0).collect()),
        "the ledger's part of a scrape": partial(look_at_ledger, search.runtime, seconds=60.0, limit=COUNTED),
        **{f"the command {what}": partial(_run, url, what) for what in ("status", "failed", "reconcile")},
    }
    _insert(engine, [_row(n, 0.1) for n in range(SMALL)])
    small = {what: _timed(look) for what, look in looks.items()}
    _insert(engine, [_row(n, share) for n in range(SMALL)])
    _double(engine, SMALL)
    large = {what: _timed(look) for what, look in looks.items()}
    for what in looks:
        yield Line(
            name=f"{name}: {what} on {SMALL * 2**DOUBLINGS + SMALL:,} works / on {SMALL:,}",
            ours=f"{large[what] * 1000:.0f} ms",
            theirs=f"{small[what] * 1000:.0f} ms",
            ratio=large[what] / small[what],
            target="<= 3",
        )


def _row(n: int, share: float, at: float = 1_700_000_000.0) -> dict[str, Any]:
    part = n % 100 / 100
    state = "failed" if part < share else "pending" if part < 2 * share else "succeeded"
    row = {
        "index_uid": search.schemas.of(Article).uid,
        "operation": "upsert",
        "ids": [str(n)],
        "documents": 1,
        "mode": "celery",
    }
    row |= dict.fromkeys(("created_at", "publish_after", "available_at", "finished_at"), at + n)
    wrong = state == "failed"
    row |= {"reason_class": CLASSES[n % 5] if wrong else None, "error_code": "raised" if wrong else None}
    return {**row, "state": state, "finished_at": None if state == "pending" else at + n}


def _insert(engine: Engine, rows: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(insert(tables.work), rows)


def _double(engine: Engine, size: int) -> None:
    """Copy the newest `size` works again and again, each copy older; then let the database look at what it has."""
    quote = engine.dialect.identifier_preparer.quote
    names = [quote(column.name) for column in tables.work.columns if column.name != "id"]
    copied = ", ".join(f"{name} - id * 0.001" if name == "finished_at" else name for name in names)
    copy = f"INSERT INTO scrypath_work ({', '.join(names)}) SELECT {copied} FROM scrypath_work WHERE id > {size}"
    for _ in range(DOUBLINGS):
        with engine.begin() as connection:
            connection.execute(text(copy))
    analyze = {"postgresql": "VACUUM ANALYZE scrypath_work", "sqlite": "ANALYZE"}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(analyze.get(engine.dialect.name, "ANALYZE TABLE scrypath_work")).close()


def _run(url: str, what: str) -> None:
    addresses = {**json.loads(os.environ[ENVIRONMENT]), "database": url}
    command = "from scrypath_celery.cli import main; main()"
    arguments = [sys.executable, "-c", command, "-A", "tests.bench.application", what]
    subprocess.run(arguments, env={**os.environ, ENVIRONMENT: json.dumps(addresses)}, capture_output=True, check=False)


def _timed(look: Callable[[], Any], times: int = 3) -> float:
    spent = []
    look()
    for _ in range(times):
        began = time.perf_counter()
        look()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def _commands(engine: Engine, name: str) -> Iterator[Line]:
    """Find the ten of the last minute by code, retry them, cancel a class: among 10,000 dead letters."""
    at = Ledger(lambda: engine).read(overview.time)
    old = [_row(0, 1.0, at - 86_400.0 + n) | {"reason_class": CLASSES[n % 5]} for n in range(DEAD)]
    _insert(engine, [*old, *(_row(0, 1.0, at - 30.0 + n) | {"error_code": "new"} for n in range(10))])
    recent: dict[str, Any] = {"code": "new", "since": timedelta(minutes=1)}
    acts: dict[str, Callable[[], Any]] = {
        "find the ten of the last minute by code": lambda: search.failed(**recent).works,
        "retry them": lambda: search.retry(**recent).done,
        "cancel a class (2,000)": lambda: search.cancel(reason_class="auth").done,
    }
    for what, act in acts.items():
        began = time.perf_counter()
        count = len(act())
        spent = time.perf_counter() - began
        yield Line(
            name=f"{name}: {what}, among {DEAD:,} dead letters / 1 s",
            ours=f"{spent * 1000:.0f} ms for {count}",
            theirs="1 s",
            ratio=spent,
            target="none",
        )
