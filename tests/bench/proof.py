"""Proof: what a verification takes against the backfill, and whether it finds seeded damage to the last id."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
from sqlalchemy import insert, text

from scrypath_celery.convergence.executor import await_tasks
from scrypath_celery.ledger import works
from scrypath_celery.work import State
from tests.bench.application import City, cities, engine, search
from tests.bench.bulk import _peak
from tests.bench.report import Line

SHARE = 10_000
"""One document in so many is damaged in each of three ways: deleted, altered, added."""


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Ids of documents that were deleted from the index, altered in it, or added to it."""

    deleted: frozenset[str]
    altered: frozenset[str]
    added: frozenset[str]


def proof(least: int) -> Iterator[Line]:
    """Backfill the cities with at least so many people, verify them, damage the index, find it, and repair it."""
    rows = cities(least)
    with engine.begin() as connection:
        connection.execute(text("TRUNCATE cities"))
        for start in range(0, len(rows), 5_000):
            connection.execute(insert(City), rows[start : start + 5_000])
    ids, count = [row["id"] for row in rows], len(rows)
    del rows
    began = time.perf_counter()
    search.backfill(City, sync_mode="inline")
    written = time.perf_counter() - began
    clean = _in_a_child()
    yield Line(
        name=f"verify --full of {count} / the backfill that wrote them (documents a second)",
        ours=f"{clean['seconds']:.1f} s, {sum(clean['counts'].values())} differences",
        theirs=f"{written:.1f} s",
        ratio=written / clean["seconds"],
        target=">= 0.5, no difference",
    )
    yield Line(
        name=f"peak memory of verify --full of {count} / 200 MB",
        ours=f"{clean['peak']:.0f} MB",
        theirs="200 MB",
        ratio=clean["peak"] / 200,
        target="<= 1",
    )
    damage = _damage(ids)
    found = _in_a_child()
    exact = sum(
        set(found[kind]) == ids
        for kind, ids in (("missing", damage.deleted), ("stale", damage.altered), ("ghost", damage.added))
    )
    before = _written()
    done = search.repair(City)
    search.drain()
    again = _in_a_child()
    yield Line(
        name=f"kinds of seeded damage found to the last id, of 3 x {len(damage.deleted)} in {count}",
        ours=f"{exact} of 3; repaired with {_written() - before} documents; {sum(again['counts'].values())} left",
        theirs=f"3 of 3; {3 * len(damage.deleted)} documents; 0 left",
        ratio=(done.requeued + done.deletions) / (3 * len(damage.deleted)),
        target="1",
    )


def _damage(ids: list[int]) -> Damage:
    """Change the index beside its records."""
    chance, runtime = random.Random(0), search.runtime
    index, part = runtime.uid_of(search.schemas.of(City)), max(len(ids) // SHARE, 1)
    chosen = [str(id) for id in chance.sample(ids, 2 * part)]
    deleted, altered = chosen[:part], chosen[part:]
    added = [str(1_000_000_000 + number) for number in range(part)]
    changed = [{**one, "name": f"{one['name']}?"} for one in runtime.engine.documents(index, altered)]
    new = [{"id": int(id), "name": "nowhere"} for id in added]
    uids = [runtime.engine.delete(index, deleted, token="by hand")]
    uids += [runtime.engine.add(index, orjson.dumps(part), key="id", token="by hand") for part in (changed, new)]
    await_tasks(runtime, uids)
    return Damage(deleted=frozenset(deleted), altered=frozenset(altered), added=frozenset(added))


def _written() -> int:
    """How many documents the works of the ledger have held by now."""
    listed = partial(works.listed, states=list(State))
    return sum(len(work.ids) for work in search.ledger.read(lambda tx: listed(tx)))


def _in_a_child() -> dict[str, Any]:
    """A full verification in a process of its own, so that its memory is known."""
    command = [sys.executable, "-m", "tests.bench.proof"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ))
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child() -> None:
    began = time.perf_counter()
    found = search.verify(City)
    kinds = {kind: getattr(found, kind) for kind in ("missing", "stale", "ghost")}
    told = {"seconds": time.perf_counter() - began, "peak": _peak(), "counts": dict(found.counts), **kinds}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    _child()
