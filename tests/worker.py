"""A real Celery worker in a process of its own, as an operator would start it."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from tests.deadline import PATIENCE, eventually
from tests.processes import environment, start

_NUMBERS = itertools.count(1)
_SHOWN = 20_000


class Worker:
    """`celery -A APP worker -Q search_sync`, ready when the log says so."""

    def __init__(
        self,
        app: str,
        *,
        folder: Path,
        queues: str = "search_sync",
        pool: Literal["prefork", "threads", "solo", "gevent", "eventlet"] = "prefork",
        concurrency: int = 2,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = ("--without-mingle", "--without-gossip"),
        loglevel: str = "INFO",
        cwd: Path | None = None,
        fresh: bool = False,
    ) -> None:
        """`app` is what `-A` takes. It is looked for in `cwd` (default: `folder`) and in the checkout.

        `folder` holds the log, `worker<N>.log`; `env` is added to the environment of the tests.

        `fresh` is as in `start`; a green pool, which patches what is imported, always is.
        """
        self.name = f"worker{next(_NUMBERS)}"
        self.log = folder / f"{self.name}.log"
        self._cwd = cwd or folder
        self._env = environment({"PYTHONUNBUFFERED": "1", **(env or {})}, folder=self._cwd)
        select = ["-Q", queues, "-P", pool, "-c", str(concurrency), "-l", loglevel, "-n", f"{self.name}@%h"]
        self._command = [sys.executable, "-m", "celery", "-A", app, "worker", *select, *options]
        self._fresh = fresh or pool in ("gevent", "eventlet")
        self._process: subprocess.Popen[bytes] | None = None
        self._read_from = 0

    @property
    def env(self) -> Mapping[str, str]:
        """The environment of its process."""
        return self._env

    @property
    def pid(self) -> int:
        """The process id of the worker's main process."""
        if self._process is None:
            raise AssertionError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the main process is there (frozen counts)."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What the main process ended with; None while it runs, negative for a signal."""
        return None if self._process is None else self._process.poll()

    def start(self, *, seconds: float = PATIENCE) -> Self:
        """Start the process, again if it has ended, and wait until its log says that it is ready."""
        if self.running:
            raise AssertionError(f"{self.name} runs already")
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            self._process = start(self._command, fresh=self._fresh, env=self._env, cwd=self._cwd, **streams)
        eventually(self._ready, seconds=seconds, what=f"{self.name} is ready, see {self.log}")
        return self

    def output(self) -> str:
        """What the worker has logged since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._read_from)
            return log.read().decode(errors="replace")

    def children(self) -> list[int]:
        """The process ids of the pool (prefork), oldest first."""
        return children(self.pid)

    def wait(self, *, seconds: float = PATIENCE) -> int:
        """Wait until the main process has ended by itself; returns its exit code."""
        eventually(lambda: not self.running, seconds=seconds, what=f"{self.name} has ended")
        return int(self.exit_code or 0)

    def stop(self, *, seconds: float = PATIENCE) -> int:
        """Ask for a warm shutdown and wait for it; returns the exit code. One that hangs is killed, and raises."""
        if not self.running:
            return int(self.exit_code or 0)
        self.thaw()
        os.kill(self.pid, signal.SIGTERM)
        try:
            return self.wait(seconds=seconds)
        except AssertionError:
            self.kill()
            raise

    def kill(self) -> None:
        """End the main process and its pool at once, as a power cut would."""
        if not self.running:
            return
        family = [self.pid, *self.children()]
        _signal(family, signal.SIGKILL)
        eventually(lambda: not self.running, what=f"{self.name} is gone")
        eventually(lambda: not any(map(alive, family)), what=f"the pool of {self.name} is gone")

    def freeze(self) -> None:
        """Let the main process and its pool stand still, connections open, as a machine that swaps."""
        _signal([self.pid, *self.children()], signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        _signal([*self.children(), self.pid], signal.SIGCONT)

    def close(self) -> None:
        """End the worker, however it stands."""
        if self._process is not None:
            self.stop()

    def show(self) -> None:
        """Print the end of the log; pytest shows it where the test failed."""
        if self.log.exists():
            sys.stdout.write(f"{self.log}:\n{self._tail()}\n")

    def __enter__(self) -> Self:
        return self if self.running else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            error.add_note(f"{self.log}:\n{self._tail()}")
        self.close()

    def _ready(self) -> bool:
        if not self.running:
            raise AssertionError(f"{self.name} ended while it started, {self.exit_code}:\n{self._tail()}")
        return f"{self.name}@" in self.output() and " ready." in self.output()

    def _tail(self) -> str:
        return self.log.read_text(errors="replace")[-_SHOWN:]


def children(pid: int) -> list[int]:
    """The living child processes of `pid`, oldest first, as the kernel or else `ps` lists them."""
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        words = listing.read_text().split()
    except OSError:
        done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
        words = done.stdout.split()
    return [int(word) for word in words]


def alive(pid: int) -> bool:
    """Whether the process is there and no zombie: one that nobody has reaped yet is dead all the same."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _signal(pids: Sequence[int], how: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            continue
