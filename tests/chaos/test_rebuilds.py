"""A reindex by worker processes, while rows are rewritten without pause and a worker and the command are killed."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from scrypath_celery.rebuild.report import RebuildStatus
from tests.chaos.long import LONG, long
from tests.chaos.shop import TRANSIENT, Item
from tests.chaos.world import World, world
from tests.deadline import eventually
from tests.processes import OURS, environment, start

NAMED = os.environ.get("SCRYPATH_TEST_REBUILD_ROWS")
ROWS = int(NAMED or (50_000 if LONG else 1_000))
SECONDS = 1_500.0 if LONG else 60.0
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(3_600 if LONG else 180)]


@pytest.mark.parametrize(
    "transient", [pytest.param(0.0, id="sound"), pytest.param(0.02, id="2 % of the projections fail", marks=long)]
)
def test_a_rebuild_under_fire_ends_equal_though_a_worker_and_the_command_are_killed(
    transient: float,
    postgresql_url: str,
    redis_server: Callable[[], Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(TRANSIENT, str(transient))
    with world(postgresql_url, redis_server(), tmp_path, pools=("prefork", "prefork")) as made:
        with made.shop.engine.begin() as connection:
            connection.execute(insert(Item), [{"id": id, "version": 0} for id in range(ROWS)])
        with rewriting(made) as written:
            with begin(made) as begun:
                try:
                    eventually(lambda: filled(made) > ROWS // 10, seconds=SECONDS, what="something is filled")
                finally:
                    begun.kill()
            made.workers[0].kill()
            made.workers[0].start(seconds=SECONDS)
            first = status(made)
            finished = [] if first.finished_at else finish(made)  # the other worker may have been quick
        eventually(lambda: settled(made), seconds=SECONDS, what="all works are settled")
        done = status(made)
        assert (done.phase, done.blocked_by) == ("done", {}), finished
        assert {one.phase for one in made.shop.search.rebuilds(Item)} == {"done"}, finished
        lost, stale, ghosts = compared(made)
        with capsys.disabled():
            sys.stdout.write(
                f"\n{ROWS} rows, {transient:.0%} failing, {len(written)} transactions of others meanwhile:"
                f" {len(lost)} lost, {len(stale)} stale, {len(ghosts)} ghosts; caught up {done.caught_up},"
                f" requeued {done.requeued}\n"
            )
        assert (lost, stale, ghosts) == ([], [], [])
        assert written


@contextmanager
def rewriting(made: World) -> Iterator[list[int]]:
    """Rewrite random rows at full speed: changes, deletions, and rows that come back."""
    over, chance, written = threading.Event(), random.Random(1), list[int]()

    def write() -> None:
        while not over.is_set():
            with made.shop.session.begin() as session:
                for id in sorted(chance.sample(range(ROWS + ROWS // 10), 3)):
                    item = session.get(Item, id)
                    if item is None:
                        session.add(item := Item(id=id, version=0))
                    elif chance.random() < 0.1:
                        session.delete(item)
                    else:
                        item.version = chance.randrange(1_000_000_000)
                    made.shop.search.sync_record(item, session=session)
            written.append(1)
            over.wait(0.0 if LONG else 0.01)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield written
    finally:
        over.set()
        writer.join()


def begin(made: World) -> subprocess.Popen[str]:
    """The command, in a process of its own."""
    return start(
        [*OURS, "-A", "tests.chaos.shop:app", "reindex", "Item", "--json"],
        env=environment(made.workers[0].env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(made: World) -> list[Any]:
    """The same command until it is through; what it said each time."""
    said: list[Any] = []
    for _ in range(5):
        command = begin(made)
        out, error = command.communicate(timeout=SECONDS)
        said.append(json.loads(out) if out else error)
        if command.returncode == 0:
            break
    return said


def status(made: World) -> RebuildStatus:
    """The newest rebuild."""
    return made.shop.search.rebuilds(Item)[0]


def filled(made: World) -> int:
    """How many documents are in the target; none before there is a rebuild."""
    found = made.shop.search.rebuilds(Item)
    return found[0].filled if found else 0


def settled(made: World) -> bool:
    """Whether nothing is open."""
    return made.shop.search.sync_status(Item).indexes[0].queue.open == 0


def compared(made: World) -> tuple[list[int], list[int], list[int]]:
    """Ids without a document, with an old one, and documents without a record."""
    with made.shop.session() as session:
        wanted = {row.id: row.version for row in session.execute(select(Item.id, Item.version))}
    found = made.documents()
    stale = [id for id in wanted.keys() & found.keys() if wanted[id] != found[id]]
    return sorted(wanted.keys() - found.keys()), sorted(stale), sorted(found.keys() - wanted.keys())
