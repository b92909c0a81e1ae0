"""Which worker is taken for dead: a process of this system alone, and only when it is gone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from scrypath_celery import runtime
from scrypath_celery.runtime import identity, is_dead
from tests.deadline import PATIENCE


def parts() -> tuple[str, str]:
    """Host and mark of this system."""
    host, _, mark = identity().partition(":")[0].partition("/")
    return host, mark


def gone() -> int:
    """The id of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_this_process_is_alive() -> None:
    assert not is_dead(identity())


def test_a_process_of_this_system_that_ended_is_dead() -> None:
    host, mark = parts()
    assert is_dead(f"{host}/{mark}:{gone()}:1")


@pytest.mark.parametrize("other", ["another boot", "another space of processes", "another host", "an older release"])
def test_a_worker_of_another_system_is_never_taken_for_dead(other: str) -> None:
    host, mark = parts()
    names = {
        "another boot": f"{host}/0123456789ab",
        "another space of processes": f"{host}/-",
        "another host": f"elsewhere/{mark}",
        "an older release": socket.gethostname(),
    }
    assert not is_dead(f"{names[other]}:{gone()}:1")


@pytest.mark.parametrize("text", ["", "host", "host:pid:1", ":::", "host/mark:-1:1"])
def test_what_names_no_process_is_not_dead(text: str) -> None:
    assert not is_dead(text)


def test_a_space_of_process_ids_of_its_own_is_another_system() -> None:
    code = "from scrypath_celery.runtime import identity; print(identity())"
    try:
        done = subprocess.run(
            ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
    except FileNotFoundError:
        pytest.skip("there is no unshare here")
    if done.returncode:
        pytest.skip(f"unshare is not allowed here: {done.stderr.strip()[:100]}")
    assert done.stdout.partition(":")[0] != identity().partition(":")[0]
    assert done.stdout.partition("/")[0] == identity().partition("/")[0]


def test_a_forked_process_is_of_the_same_system() -> None:
    receiver, sender = os.pipe()
    if os.fork() == 0:
        os.write(sender, identity().encode())
        os._exit(0)
    os.wait()
    told = os.read(receiver, 1_000).decode()
    assert told.partition(":")[0] == identity().partition(":")[0]
    assert told != identity()


def test_a_long_host_name_leaves_room_in_the_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a:b" * 100)
    monkeypatch.setattr(runtime, "_system", runtime._system.__wrapped__)
    assert len(identity()) <= 200
    assert not is_dead(identity())
