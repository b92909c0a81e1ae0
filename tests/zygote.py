"""A process that has imported what programs of the tests import, and is forked for each of them that starts.

A fresh interpreter spends a second of processor time on imports before a worker or a command does anything. What is
forked begins where they are done, and is in all else the process that was asked for: command line, environment, folder,
streams and parent. `tests.processes.start` chooses between this and a fresh one. Linux has what it takes.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, AnyStr

IMPORTED = (
    "celery.app.amqp",
    "celery.app.backends",
    "celery.app.builtins",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.app.trace",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.concurrency.solo",
    "celery.concurrency.thread",
    "celery.events.state",
    "celery.loaders.app",
    "celery.worker.autoscale",
    "celery.worker.consumer",
    "celery.worker.control",
    "celery.worker.strategy",
    "kombu.transport.pyamqp",
    "kombu.transport.redis",
    "psycopg",
    "pymysql",
    "scrypath_celery.app",
    "scrypath_celery.cli",
    "scrypath_celery.cli.app_command",
    "scrypath_celery.cli.pause",
    "scrypath_celery.cli.plugin",
    "scrypath_celery.cli.rebuilding",
    "scrypath_celery.cli.status",
    "scrypath_celery.embedded.serving",
    "scrypath_celery.engine.engine",
    "scrypath_celery.operator.acting",
    "scrypath_celery.operator.recommendations",
    "scrypath_celery.operator.reconcile",
    "scrypath_celery.operator.repair",
    "scrypath_celery.operator.settings_diff",
    "scrypath_celery.operator.status",
    "scrypath_celery.option_checks",
    "scrypath_celery.rebuild.rebuild",
    "scrypath_celery.testing.engine",
    "scrypath_celery.worker.attach",
    "scrypath_celery.worker.listener",
    "sqlalchemy.dialects.mysql.pymysql",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.ext.asyncio",
    "tests.shop",
)
"""What most of the programs import. None of it opens anything, or remembers the environment that it was imported in."""

_CHECKOUT = Path(__file__).parents[1]
_LONGEST = 1024 * 1024
_PR_SET_CHILD_SUBREAPER = 36
_OWN = frozenset({"PYTHONPATH", "PYTHONUNBUFFERED"})
"""What the environment says to the interpreter itself, and a forked process does as well."""


def suits(command: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a forked process is what a fresh one would be: `python -m ...` or `-c ...`, with no other options."""
    python = [str(word) for word in command[:2]] in ([sys.executable, "-m"], [sys.executable, "-c"])
    return python and sys.platform == "linux" and _for_python(env) == _for_python(os.environ)


def _for_python(env: Mapping[str, str]) -> dict[str, str]:
    return {name: env[name] for name in env if name.startswith("PYTHON") and name not in _OWN}


class Forked(subprocess.Popen[AnyStr]):
    """A child process like any other, which the zygote was forked for."""

    def _execute_child(
        self,
        args: Sequence[str],
        executable: Any,
        preexec_fn: Any,
        close_fds: bool,
        pass_fds: Any,
        cwd: Any,
        env: Mapping[str, str] | None,
        startupinfo: Any,
        creationflags: Any,
        shell: bool,
        *streams_and_others: Any,
    ) -> None:
        """What the standard library does here by fork and exec."""
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = streams_and_others[:6]
        _, _, _, _, _, start_new_session, *_ = streams_and_others[6:]
        asked = {
            "command": [str(word) for word in args[1:]],
            "cwd": os.path.abspath(cwd or "."),
            "env": dict(os.environ if env is None else env),
            "session": bool(start_new_session),
        }
        streams = [given if given != -1 else own for own, given in enumerate((p2cread, c2pwrite, errwrite))]
        private: Any = self
        try:
            self.pid = _zygote().fork(json.dumps(asked).encode(), streams)
            private._child_created = True
        finally:
            private._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)


class _Zygote:
    """The zygote of this process, as seen from here."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl
        self._connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
        with theirs:
            command = [sys.executable, "-m", "tests.zygote", str(theirs.fileno())]
            path = os.pathsep.join([str(_CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])])
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": path},
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def fork(self, asked: bytes, streams: Sequence[int]) -> int:
        """The process id of the process that was asked for: a child of this one, to be waited for."""
        with self._lock:
            # A process whose parent has ended becomes a child of the nearest ancestor that takes in such. Orphans of
            # others go where they always do: we are one for this moment only.
            self._adopt(True)
            try:
                socket.send_fds(self._connection, [asked], list(streams))
                pid = int(self._connection.recv(100))
                self._connection.recv(100)
            finally:
                self._adopt(False)
            return pid

    def close(self) -> None:
        """End the zygote; what it was forked for goes on."""
        self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()
        self._process.wait()

    def _adopt(self, whether: bool) -> None:
        if self._prctl(_PR_SET_CHILD_SUBREAPER, int(whether), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no orphans are adopted here")


@cache
def _zygote() -> _Zygote:
    return _Zygote()


def _main(connection: socket.socket, folders: Sequence[str]) -> None:
    """Import everything, and fork for each request; `folders` is where every Python here looks for modules."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    while True:
        message, streams, _, _ = socket.recv_fds(connection, _LONGEST, 3)
        if not message:
            return
        if _forked(connection):
            break
        for stream in streams:
            os.close(stream)
    connection.close()
    asked = json.loads(message)
    _become(asked, streams, folders)
    _run(*asked["command"])


def _forked(connection: socket.socket) -> bool:
    """Fork a child for whoever is at the other end, and tell them its process id; true in that child."""
    adopted, over = os.pipe()
    between = os.fork()
    if between == 0:
        own = os.fork()
        if own != 0:
            connection.send(str(own).encode())
            os._exit(0)
        os.close(over)
        os.read(adopted, 1)  # until nobody is left to write: its parent is now the one that asked for it
        os.close(adopted)
        return True
    os.waitpid(between, 0)
    os.close(adopted)
    os.close(over)
    connection.send(b"adopted")
    return False


def _become(asked: Mapping[str, Any], streams: Sequence[int], folders: Sequence[str]) -> None:
    """Make this the process that was asked for, as it is when its program begins."""
    for own, stream in enumerate(streams):
        os.dup2(stream, own)
        os.close(stream)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked["session"]:
        os.setsid()
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    how, program, *arguments = asked["command"]
    named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [asked["cwd"] if how == "-m" else "", *dict.fromkeys([*map(os.path.abspath, named), *folders])]
    sys.argv[:] = [how if how == "-c" else program, *arguments]
    sys.orig_argv[:] = [sys.executable, *asked["command"]]
    importlib.invalidate_caches()
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _run(how: str, program: str, *_: str) -> None:
    """Run the program as `python -m` and `python -c` do; how it ends is how this process ends."""
    if how == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
        return
    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    exec(compile(program, "<string>", "exec"), module.__dict__)


if __name__ == "__main__":
    _given = {os.path.abspath(folder) for folder in os.environ["PYTHONPATH"].split(os.pathsep)}
    _main(socket.socket(fileno=int(sys.argv[1])), [folder for folder in sys.path[1:] if folder not in _given])
