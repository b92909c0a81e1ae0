"""The engine as a process of its own, to be killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.deadline import PATIENCE
from tests.processes import start

_MODULE = "scrypath_celery.embedded"


class EngineProcess:
    """`python -m scrypath_celery.embedded` on a free port; `url` is where it listens."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", _MODULE, "--port", "0", *arguments]
        self.process = start(
            command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2], start_new_session=True
        )
        assert self.process.stderr is not None
        self.notice = self.process.stderr.readline().strip()
        line = self.process.stderr.readline()
        if "listening on " not in line:
            self.notice = f"{self.notice}\n{line}".strip()
            self.url = ""
            return
        self.url = line.split("listening on ")[1].split(",")[0]

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self.process.kill()
        self._gone()

    def terminate(self) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self._gone()

    def _gone(self) -> int:
        code = self.process.wait(PATIENCE)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def __enter__(self) -> Self:
        """The running process."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, if it still runs."""
        if self.process.poll() is None:
            self.kill()
