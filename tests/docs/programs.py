"""Programs that run until they are ended: those that a page starts stay until its end."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.deadline import eventually
from tests.processes import start

READY = {
    r"\bcelery\b.* worker\b": r" ready\.",
    r"\bcelery\b.* beat\b": r"beat: Starting",
    r"\bcelery\b.* flower\b": r"Visit me at",
    r"\bscrypath-celery dev\b": r"broker: \S+",
    r"\bscrypath-celery engine\b": r"http://\S+",
    r"\bscrypath-celery .*\bexporter\b": r"metrics: http",
    r"\bflask\b.* run\b": r"Running on http",
    r"\buvicorn\b": r"running on http",
    r"\bgunicorn\b": r"Listening at",
}
"""Programs that do not end by themselves, and what they print once they are ready."""


SILENT = re.compile(r"\bcelery\b.* (worker|beat)\b")
"""Programs that say that they are ready only where they are asked to say more."""


def ready(command: str) -> str | None:
    """What a command prints when it is ready; None where it ends by itself."""
    return next((said for program, said in READY.items() if re.search(program, command)), None)


def plain(command: str) -> list[str] | None:
    """The program of a command and its words, where these are all that a shell would make of it."""
    if re.search(r"[|&;<>()$`*?{}~=\\]", command):
        return None
    name, *words = shlex.split(command)
    found = shutil.which(name)
    return None if found is None or name == "curl" else [found, *words]


class Programs(ExitStack):
    """What runs beside a page."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._count = 0

    def start(self, command: str, said: str) -> None:
        """Start a program, wait until it says that it is ready, and end it with the page."""
        self._count += 1
        command += " -l INFO" if SILENT.search(command) else ""
        log = self._folder / f"program{self._count}.log"
        with log.open("wb") as out:
            process = start(
                plain(command) or ["bash", "-c", f"exec {command}"],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.callback(_end, process)
        eventually(lambda: _says(process, log, said), what=f"{command} is ready:\n{log.read_text()}")


def _says(process: subprocess.Popen[bytes], log: Path, said: str) -> bool:
    text = log.read_text(errors="replace")
    assert process.poll() is None, text
    return re.search(said, text) is not None


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
