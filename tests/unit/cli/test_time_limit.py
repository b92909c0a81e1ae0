"""A command that has to end in time."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from scrypath_celery.cli.time_limit import time_limit
from scrypath_celery.errors import CommandTimeout

STUCK = """
import ctypes
from scrypath_celery.cli import time_limit
time_limit.GRACE = 0.1
with time_limit.time_limit(0.1, lambda error: print(error, flush=True)):
    while True:
        try:
            ctypes.CDLL(None).sleep(600)
        except KeyboardInterrupt:
            continue
"""


def given_up(error: CommandTimeout) -> None:
    raise AssertionError("the process was about to end")


def test_what_waits_is_interrupted_and_lets_go_of_what_it_holds() -> None:
    left: list[int] = []

    def waits() -> None:
        try:
            threading.Event().wait(60.0)
        finally:
            left.append(1)

    with pytest.raises(CommandTimeout, match=r"within 0\.05 s"), time_limit(0.05, given_up):
        waits()
    assert left == [1]


def test_what_ends_in_time_is_left_alone() -> None:
    with time_limit(60.0, given_up):
        pass
    with time_limit(None, given_up):
        pass


def test_ctrl_c_stays_what_it_is() -> None:
    with pytest.raises(KeyboardInterrupt), time_limit(60.0, given_up):
        raise KeyboardInterrupt


@pytest.mark.skipif(sys.platform == "win32", reason="it waits in the C library")
def test_a_process_that_no_interrupt_reaches_ends_all_the_same() -> None:
    done = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "it did not end within 0.1 s: give it more with --timeout\n")
