"""What a service would be elsewhere: an engine, a broker, a worker process, and a folder for it all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from ..embedded import EmbeddedEngine
from ..testing.broker import FakeBroker
from .factory import Place

APP = "scrypath_celery.demo.app"
WORKER = ("celery", "-A", APP, "worker", "-Q", "search_sync", "-c", "2")
WARM = 15.0
"""Seconds that the worker has to end by itself."""


class Broken(Exception):
    """Something did not turn out as the demo says it does."""


class Stage:
    """The embedded engine and broker in this process, a Celery worker as a process of its own; gone at the end."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(TemporaryDirectory(prefix="scrypath-demo-")))
            self.engine = stack.enter_context(EmbeddedEngine())
            self.broker = stack.enter_context(FakeBroker())
            self.place = Place(
                database=f"sqlite:///{self.folder / 'cities.db'}", broker=self.broker.url, engine=self.engine.url
            )
            stack.callback(self._end_worker)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start_worker(self) -> None:
        """Start `celery worker`, with two processes, and do not wait for it."""
        with (self.folder / "worker.log").open("wb") as log:
            self._worker = subprocess.Popen(
                [sys.executable, "-m", *WORKER, "-l", "INFO", "--without-mingle", "--without-gossip"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._env(),
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends the worker
            )

    def worker_is_ready(self) -> bool:
        """Whether the worker says that it is.

        Raises:
            Broken: it has ended.
        """
        if self._worker is None or self._worker.poll() is not None:
            raise Broken("the worker ended while it started")
        return " ready." in self.worker_log()

    def worker_log(self) -> str:
        """What the worker has logged."""
        path = self.folder / "worker.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def command(self, *words: str) -> tuple[int, str]:
        """Run `scrypath-celery` as an operator does, in a process of its own; its exit code and what it said."""
        program = "from scrypath_celery.cli import main; main(prog_name='scrypath-celery')"
        done = subprocess.run(
            [sys.executable, "-c", program, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self._env(),
            cwd=self.folder,
            text=True,
            errors="replace",
        )
        return done.returncode, done.stdout

    def _env(self) -> dict[str, str]:
        # A worker that must be killed cannot remove its own temporary files: they go with the folder.
        own = {"SCRYPATH_APP": APP, "PYTHONUNBUFFERED": "1", "TMPDIR": str(self.folder)}
        return dict(os.environ) | self.place.env() | own

    def _end_worker(self) -> None:
        if self._worker is None:
            return
        self._worker.terminate()
        try:
            self._worker.wait(WARM)
        except subprocess.TimeoutExpired:
            self._kill_worker(self._worker)
        except BaseException:  # a second Ctrl-C: at once, then
            self._kill_worker(self._worker)
            raise

    def _kill_worker(self, worker: subprocess.Popen[bytes]) -> None:
        os.killpg(worker.pid, signal.SIGKILL)  # it leads a group of its own: itself and its pool
        worker.wait()


def wait_for(condition: Callable[[], bool], what: str, *, seconds: float = 120.0) -> float:
    """Wait until `condition` holds; the seconds that it took.

    Raises:
        Broken: it did not within `seconds`.
    """
    start, pause = time.monotonic(), threading.Event()
    while not condition():
        if time.monotonic() - start > seconds:
            raise Broken(f"not within {seconds:g} s: {what}")
        pause.wait(0.02)
    return time.monotonic() - start
