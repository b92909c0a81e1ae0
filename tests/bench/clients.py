"""Clients that write at the same time, each a process of its own: `python -m tests.bench.clients HOW FIRST COUNT`."""

from __future__ import annotations

import json
import subprocess
import sys
import time

from tests.bench.application import Session, article, search, send_and_forget

CLIENTS = 4
FIRST = 2_000_000
"""The first id of these articles."""


def commit_all(how: str, records: int) -> float:
    """Write so many records from four clients, synced by this package (`sync`) or by a task for each (`naive`).

    When they began (`time.perf_counter`): that they start and connect is no part of it.
    """
    share = records // CLIENTS
    command = [sys.executable, "-m", "tests.bench.clients", how]
    children = [
        subprocess.Popen(
            [*command, str(FIRST + number * share), str(share)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(CLIENTS)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()  # it is connected
    began = time.perf_counter()
    for child in children:  # all of them before any is waited for: they are to write at the same time
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate()
        if child.returncode:
            raise SystemExit(f"a client ended with {child.returncode}")
    return began


def _child(how: str, first: str, count: str) -> None:
    with Session() as session:
        session.connection()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    began = time.perf_counter()
    for id in range(int(first), int(first) + int(count)):
        with Session.begin() as session:
            record = article(id)
            session.add(record)
            if how == "sync":
                search.sync_record(record, session=session)
        if how == "naive":
            send_and_forget.delay(id)
    sys.stdout.write(json.dumps(time.perf_counter() - began))


if __name__ == "__main__":
    _child(*sys.argv[1:])
