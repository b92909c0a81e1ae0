"""What a trigger costs a statement and a row, beside `sync_record` and beside nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, create_engine, insert, text
from sqlalchemy.orm import Session

from scrypath_celery import Scrypath
from tests.bench.report import Line
from tests.chaos import related
from tests.chaos.base import Base
from tests.integration.triggers.library import Book, open_library
from tests.services.mariadb import mariadb_server
from tests.services.postgresql import postgresql_server

COMMITS, STATEMENTS, ROWS = 200, 10, 1_000


def triggers() -> Iterator[Line]:
    """Every database: a commit of one row, and a statement of a thousand."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="scrypath-bench-")))
        urls = {
            "PostgreSQL": stack.enter_context(stack.enter_context(postgresql_server()).database()),
            "MariaDB": stack.enter_context(stack.enter_context(mariadb_server()).database()),
            "SQLite": f"sqlite:///{folder / 'books.db'}",
        }
        for name, url in urls.items():
            engine = create_engine(url)
            stack.callback(engine.dispose)
            yield from _of(name, engine, open_library(engine, broker_seconds=0.1))
            yield from _of_related(name, engine)


def _of(name: str, engine: Engine, search: Scrypath) -> Iterator[Line]:
    number = count(1)

    def one(*, call: bool) -> None:
        with Session(engine) as session:
            session.add(book := Book(id=next(number), title="a"))
            if call:
                search.sync_record(book, session=session)
            session.commit()

    def many() -> None:
        rows = [{"id": next(number), "title": "a"} for _ in range(ROWS)]
        with engine.begin() as connection:
            connection.execute(insert(Book), rows)

    bare, called, bare_many = _timed(one, False), _timed(one, True), _timed_many(many)
    search.ledger.triggers(Book).install()
    triggered, triggered_many = _timed(one, False), _timed_many(many)
    search.ledger.triggers(Book).remove()
    yield _line(f"{name}: a commit of one row with sync_record / without", called, bare)
    yield _line(f"{name}: a commit of one row with triggers / without", triggered, bare)
    yield _line(f"{name}: {ROWS} rows inserted with triggers / without", triggered_many, bare_many)


def _of_related(name: str, engine: Engine) -> Iterator[Line]:
    search = Scrypath(None, database=engine)
    related.declare(search, engine)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([related.Owner(id=1, version=0), related.Label(id=1, version=0)])
        session.add_all([related.Entry(id=id, owner_id=1) for id in range(ROWS)])
        session.commit()
    version = count(1)

    def renamed() -> None:
        with engine.begin() as connection:
            connection.execute(text("UPDATE owners SET version = :version"), {"version": next(version)})

    def linked() -> None:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO labelled SELECT entries.id, 1 FROM entries"))

    def timed() -> tuple[float, float]:
        return _median(renamed, COMMITS), _median(linked, STATEMENTS, after=unlinked)

    def unlinked() -> None:
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM labelled"))

    bare, bare_many = timed()
    search.ledger.triggers(related.Entry).install()
    triggered, triggered_many = timed()
    search.ledger.triggers(related.Entry).remove()
    yield _line(f"{name}: an owner of {ROWS} related documents changed with triggers / without", triggered, bare)
    yield _line(f"{name}: {ROWS} links inserted by a statement with triggers / without", triggered_many, bare_many)


def _timed(act: Callable[..., None], call: bool) -> float:
    return _median(lambda: act(call=call), COMMITS)


def _timed_many(act: Callable[[], None]) -> float:
    return _median(act, STATEMENTS)


def _median(act: Callable[[], None], times: int, *, after: Callable[[], None] = lambda: None) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
        after()
    return median(taken)


def _line(name: str, ours: float, theirs: float) -> Line:
    return Line(
        name=name,
        ours=f"{ours * 1000:.2f} ms",
        theirs=f"{theirs * 1000:.2f} ms",
        ratio=ours / theirs,
        target="none",
    )
