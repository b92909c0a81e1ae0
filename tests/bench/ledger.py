"""The ledger's own limits: works a second that a database takes in, and claims and settles, from many processes.

Each child writes works (one a transaction, as commits do) for some seconds, then claims and settles them: one work a
claim, which is the worst case, and as many as there are, which is what a worker does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, create_engine

from scrypath_celery.ledger import Ledger, claims, indexes, works
from scrypath_celery.ledger.sqlite import configure
from scrypath_celery.work import ClaimState, Mode, Operation
from tests.bench.report import Line
from tests.services.mariadb import mariadb_server
from tests.services.postgresql import postgresql_server

SECONDS = 1.5


def ledger() -> Iterator[Line]:
    """Every database, with 1, 4 and 16 processes on one index and on sixteen; each against one process on one index."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="scrypath-bench-"))
        urls = {
            "PostgreSQL": stack.enter_context(stack.enter_context(postgresql_server()).database()),
            "MariaDB": stack.enter_context(stack.enter_context(mariadb_server()).database()),
            "SQLite": f"sqlite:///{Path(folder) / 'ledger.db'}",
        }
        for name, url in urls.items():
            _bound(url).create_all()
            first: dict[str, float] = {}
            for processes, spread in ((1, 1), (4, 1), (4, 16), (16, 1), (16, 16)):
                for what in ("write", "single", "merged"):
                    rate = _rate(url, what, processes, spread)
                    base = first.setdefault(what, rate)
                    yield Line(
                        name=f"{name}: {what}, {processes} processes, {spread} indexes / one process, one index",
                        ours=f"{rate:,.0f} works/s",
                        theirs=f"{base:,.0f} works/s",
                        ratio=rate / base,
                        target="none",
                    )


def _rate(url: str, what: str, processes: int, spread: int) -> float:
    command = [sys.executable, "-m", "tests.bench.ledger", url, what, str(spread)]
    children = [
        subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()  # it is connected
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    return sum(float(json.loads(child.communicate()[0])) for child in children)


def _fill(connection: Connection, uid: str) -> None:
    for id in range(400):
        works.write(connection, uid, UPSERT, [str(id)], CELERY)


def _child(url: str, what: str, spread: str, number: str) -> None:
    bound = _bound(url)
    uids = [f"index{(int(number) + one) % int(spread)}" for one in range(int(spread))]
    for uid in uids:
        bound.run(partial(indexes.ensure, uid=uid))
        if what != "write":
            bound.run(partial(_fill, uid=uid))
    acts: dict[str, Callable[[Ledger, str], int]] = {
        "write": _write,
        "single": partial(_settle, most=1),
        "merged": partial(_settle, most=500),
    }
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    done, turn, began = 0, 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        moved = acts[what](bound, uids[turn % len(uids)])
        if what != "write" and not moved and turn > len(uids):
            break
        done, turn = done + moved, turn + 1
    sys.stdout.write(json.dumps(done / (time.perf_counter() - began)))


UPSERT, CELERY = Operation.UPSERT, Mode.CELERY


def _write(bound: Ledger, uid: str) -> int:
    return len(bound.run(lambda tx: works.write(tx, uid, UPSERT, ["1"], CELERY)))


def _settle(bound: Ledger, uid: str, *, most: int) -> int:
    held = bound.run(lambda tx: claims.take(tx, uid, documents=most, lease=60.0, worker="bench:1:1"))
    if held is None:
        return 0

    def settle(tx: Connection) -> int:
        count = works.succeed(tx, held.token, [item.id for item in held.works], [1])
        claims.end(tx, held.token, ClaimState.DONE)
        return count

    return bound.run(settle)


def _bound(url: str) -> Ledger:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        configure(engine)
    return Ledger(lambda: engine)


if __name__ == "__main__":
    _child(*sys.argv[1:])
