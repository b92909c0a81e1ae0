"""A server process of the tests' own on the loopback interface: started, stopped, killed and frozen by its pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from tests.deadline import PATIENCE, eventually


def free_port() -> int:
    """A TCP port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def binary(name: str, *folders: str) -> str | None:
    """The path of a program, looked for in PATH, in the system's sbin and in `folders` (patterns from the root)."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found:
        return found
    matches = sorted(path for folder in folders for path in Path("/").glob(f"{folder.lstrip('/')}/{name}"))
    return str(matches[-1]) if matches else None


@contextmanager
def private_folder(account: str | None) -> Iterator[Path]:
    """A folder that `account` can reach and owns, gone at the end.

    pytest's own folders are closed to other accounts, and too deep for the path of a Unix socket.
    """
    with tempfile.TemporaryDirectory(prefix="scrypath-") as name:
        if account:
            shutil.chown(name, account)
        yield Path(name)


class ServerProcess:
    """One server: a command line and a port, which stay the same over any number of stops and starts."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        port: int,
        folder: Path,
        env: Mapping[str, str] | None = None,
        account: str | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """`folder` holds the log; `account` is whom to run as where the tests run as root; `patience` in seconds."""
        self.name = name
        self.port = port
        self.log = folder / f"{name}-{port}.log"
        self._command = [*_leash(account), *command]
        self._env = {**os.environ, **(env or {})}
        self._folder = folder
        self._patience = patience
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; a server that is stopped has none."""
        if self._process is None:
            raise AssertionError(f"{self.name} is stopped")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is there (frozen counts)."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> Self:
        """Start the process and wait until it answers."""
        if self.running:
            return self
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self._env, cwd=self._folder
            )
        eventually(self._up, seconds=self._patience, what=f"{self.name} answers on port {self.port}")
        return self

    def stop(self) -> None:
        """Ask the process to end, as its operator would, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let the process stand still: connections stay open, connecting still works, nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid, signal.SIGCONT)

    def answers(self) -> bool:
        """Whether the server answers; a server with a greeting of its own says so here."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _up(self) -> bool:
        if not self.running:
            raise AssertionError(f"{self.name} ended while it started:\n{self.log.read_text(errors='replace')[-4000:]}")
        return self.answers()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(how)
            process.send_signal(signal.SIGCONT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def _leash(account: str | None) -> list[str]:
    """What makes the server end with the tests even when they are killed, and run as `account` where we are root.

    The kernel ends it with the thread that started it, so servers are started from the main thread.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    identity = ["--reuid", account, "--regid", account, "--init-groups"] if account and os.geteuid() == 0 else []
    return [setpriv, *identity, "--pdeathsig", "KILL", "--"]
