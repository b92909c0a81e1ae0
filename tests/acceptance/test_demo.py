"""The demo holds, and whatever becomes of it, it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deadline import PATIENCE, eventually
from tests.processes import start
from tests.worker import alive, children

PROGRAM = "from scrypath_celery.cli import main; main(['demo'])"
STEPS = 7


@contextmanager
def demo(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The demo as a process, whose temporary files lie in `folder`; what it says is in `out` and `err` there."""
    temporary = folder / "temporary"
    temporary.mkdir()
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = start(
            [sys.executable, "-c", PROGRAM],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env=os.environ | {"TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"},
            cwd=folder,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def said(folder: Path) -> str:
    """What the demo has said so far."""
    return (folder / "out").read_text()


def test_the_demo_holds_and_says_what_it_does(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        code = process.wait(280)
    output = said(tmp_path)
    assert code == 0, output + (tmp_path / "err").read_text()
    assert "NOT OK" not in output
    assert [line.partition(".")[0] for line in output.splitlines() if line[:1].isdigit()] == list("1234567")
    assert "ok: index and database are equal, document by document" in output
    assert f"The demo held: {STEPS} steps" in output.splitlines()[-1]
    assert [line for line in output.splitlines() if len(line) > 80 and not line.startswith("   | ")] == []
    assert re.search(r"It takes about \d+0 s here", output)
    assert "\x1b" not in output
    assert "fill       [" in (tmp_path / "err").read_text()
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_an_interrupted_demo_ends_its_own_processes_and_removes_its_files(tmp_path: Path, how: signal.Signals) -> None:
    with demo(tmp_path) as process:
        eventually(lambda: "ok: the worker is ready" in said(tmp_path), what="the worker is ready")
        (worker,) = children(process.pid)
        family = [worker, *children(worker)]
        assert len(family) == 3
        process.send_signal(how)
        code = process.wait(PATIENCE)
    assert code == 130
    assert [pid for pid in family if alive(pid)] == []
    assert list((tmp_path / "temporary").iterdir()) == []
    assert "Traceback" not in (tmp_path / "err").read_text()
