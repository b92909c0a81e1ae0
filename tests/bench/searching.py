"""What a search costs beside a call of the client and one SELECT ... IN: `python -m tests.bench.searching`.

The engine runs in a process of its own. Both ways are measured in turn, so that the machine's other load falls on both.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from scrypath_celery import Scrypath
from tests.services.postgresql import postgresql_server
from tests.services.process import ServerProcess, free_port

HITS = 20
TARGET = 1.3


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "bench_book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(String(2_000))
    shelf: Mapped[str] = mapped_column(String(20))


def main() -> int:
    """Print the ratio; always 0, since targets are no gates."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.searching", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300, help="searches of each kind")
    parser.add_argument("--books", type=int, default=2_000, help="documents in the index")
    options = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scrypath-bench-")))
        port = free_port()
        command = [sys.executable, "-m", "scrypath_celery.embedded", "--port", str(port)]
        process = ServerProcess("engine", command, port=port, folder=folder)
        stack.callback(process.stop)
        process.start()
        database = create_engine(stack.enter_context(stack.enter_context(postgresql_server()).database()))
        stack.callback(database.dispose)
        search = Scrypath(database=database, meilisearch_url=f"http://127.0.0.1:{port}")
        search.schema(fields=["title", "body"], filterable=["shelf"])(Book)
        Base.metadata.create_all(database)
        search.ledger.create_all()
        _fill(search, database, options.books)
        for line in _measured(search, database, options.rounds):
            sys.stdout.write(f"{line}\n")
    return 0


def _fill(search: Scrypath, database: Any, count: int) -> None:
    with Session(database) as session:
        books = [Book(title=f"book {id}", body="word " * 100, shelf=f"shelf{id % 7}") for id in range(count)]
        session.add_all(books)
        search.sync_records(books, session=session)
        session.commit()
    while search.drain().claims:
        pass


def _measured(search: Scrypath, database: Any, rounds: int) -> list[str]:
    native = search.meilisearch.index(Book)
    parameters = {"page": 1, "hitsPerPage": HITS, "attributesToRetrieve": ["id"], "filter": '"shelf" = "shelf3"'}

    def ours() -> None:
        with Session(database) as session:
            found = search.search(Book, "book", session=session, filter={"shelf": "shelf3"}, per_page=HITS)
            assert len(found.records) == HITS

    def theirs() -> None:
        with Session(database) as session:
            ids = [hit["id"] for hit in native.search("book", parameters)["hits"]]
            books = {book.id: book for book in session.scalars(select(Book).where(Book.id.in_(ids)))}
            assert len([books[id] for id in ids]) == HITS

    own, raw = _medians(rounds, ours, theirs)
    figures = f"{own * 1e3:.2f} ms a search against {raw * 1e3:.2f} ms of the pooled client and one SELECT ... IN"
    return [f"search: {own / raw:.2f} (target {TARGET}; {figures}, medians of {rounds})"]


def _medians(rounds: int, *ways: Callable[[], None]) -> list[float]:
    for way in ways:
        for _ in range(10):
            way()
    times: list[list[float]] = [[] for _ in ways]
    for _ in range(rounds):
        for way, taken in zip(ways, times, strict=True):
            began = time.perf_counter()
            way()
            taken.append(time.perf_counter() - began)
    return [statistics.median(taken) for taken in times]


if __name__ == "__main__":
    sys.exit(main())
