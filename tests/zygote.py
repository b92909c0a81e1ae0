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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, AnyStr, ClassVar

IMPORTED = (
    "celery.bin.celery",
    "kombu.transport.pyamqp",
    "kombu.transport.redis",
    "psycopg",
    "pymysql",
    "scrypath_celery.app",
    "scrypath_celery.cli.app_command",
    "scrypath_celery.cli.pause",
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
    "sqlalchemy.dialects.mysql.pymysql",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "sqlalchemy.ext.asyncio",
    "tests.docs.python_blocks",
    "tests.docs.shell_blocks",
    "tests.shop",
)
"""What most of the programs import, and takes its time; none of it opens anything, or remembers an environment.

What a worker imports after its application is not here: what traces tasks, as Sentry does, patches what it would take.
"""

_CHECKOUT = Path(__file__).parents[1]
_LONGEST = 1024 * 1024
_PR_SET_CHILD_SUBREAPER = 36
_OWN = frozenset({"PYTHONPATH", "PYTHONUNBUFFERED"})
"""What the environment says to the interpreter itself, and a forked process does as well."""
_FILE = "file"


def suits(command: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a forked process is what a fresh one would be: a program for the Python of the tests, and no options."""
    return sys.platform == "linux" and _program(command) is not None and _for_python(env) == _for_python(os.environ)


def _for_python(env: Mapping[str, str]) -> dict[str, str]:
    return {name: env[name] for name in env if name.startswith("PYTHON") and name not in _OWN}


def _program(command: Sequence[str]) -> list[str] | None:
    """`-m`, `-c` or `file`, and what follows: the program of a command line that Python is to run, else None."""
    first, *rest = [str(word) for word in command]
    if _is_python(first):
        if len(rest) > 1 and rest[0] in ("-m", "-c"):
            return rest
        return [_FILE, *rest] if rest and not rest[0].startswith("-") else None
    try:
        with open(first, encoding="utf-8", errors="replace") as file:
            line = file.readline()
    except OSError:
        return None
    return [_FILE, first, *rest] if line.startswith("#!") and _is_python(line[2:].strip()) else None


def _is_python(program: str) -> bool:
    ours = Path(sys.executable)
    return Path(program).parent == ours.parent and Path(program).resolve() == ours.resolve()


class Forked(subprocess.Popen[AnyStr]):
    """A child process like any other, which a zygote was forked for."""

    def _execute_child(self, args: Sequence[str], *given: Any) -> None:
        """What the standard library does here by fork and exec."""
        _, _, _, _, cwd, env, _, _, _, *streams, _, _, _, _, _, new_session, _ = given
        asked = {
            "program": _program(args),
            "command": [str(word) for word in args],
            "folder": os.path.abspath(cwd or "."),
            "environment": dict(os.environ if env is None else env),
            "new_session": bool(new_session),
        }
        p2cread, _, _, c2pwrite, _, errwrite = streams
        inherited = [stream if stream != -1 else own for own, stream in enumerate((p2cread, c2pwrite, errwrite))]
        private: Any = self
        try:
            self.pid = Zygote.ours().fork(json.dumps(asked).encode(), inherited)
            private._child_created = True
        finally:
            private._close_pipe_fds(*streams)


class Zygote:
    """The zygote of this process, as seen from here."""

    _ours: ClassVar[Zygote | None] = None

    def __init__(self, connection: socket.socket, wait: Callable[[], object]) -> None:
        self._connection, self._wait = connection, wait
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LONGEST)
        self._lock = Lock()
        self._prctl = ctypes.CDLL(None, use_errno=True).prctl
        atexit.register(self.close)
        Zygote._ours = self

    @classmethod
    def ours(cls) -> Zygote:
        """The zygote of this process; it is started when it is first asked for."""
        return cls._ours or cls._started()

    @classmethod
    def _started(cls) -> Zygote:
        connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.zygote", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_CHECKOUT), os.environ.get("PYTHONPATH", "")])},
                pass_fds=[theirs.fileno()],
            )
        return cls(connection, process.wait)

    @classmethod
    def hatch(cls) -> None:
        """Make a zygote of what this process is now, which has imported everything and begun nothing.

        What is forked from it ends where this is called.
        """
        connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            connection.close()
            _serve(theirs)
            sys.exit()
        theirs.close()
        cls(connection, lambda: os.waitpid(pid, 0))

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
        self._wait()

    def _adopt(self, whether: bool) -> None:
        if self._prctl(_PR_SET_CHILD_SUBREAPER, int(whether), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no orphans are adopted here")


def _serve(connection: socket.socket) -> None:
    """Fork for each request until there are no more; in what was forked, run the program that was asked for."""
    given = {os.path.abspath(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep)}
    folders = [folder for folder in sys.path[1:] if folder not in given]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
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
    _run(*asked["program"])


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
    if asked["new_session"]:
        os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    how, program, *arguments = asked["program"]
    first = {"-m": asked["folder"], "-c": "", _FILE: os.path.dirname(os.path.realpath(program))}[how]
    named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [first, *dict.fromkeys([*map(os.path.abspath, named), *folders])]
    sys.argv[:] = [how if how == "-c" else program, *arguments]
    sys.orig_argv[:] = asked["command"]
    importlib.invalidate_caches()
    if os.environ.get("PYTHONUNBUFFERED"):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]


def _run(how: str, program: str, *_: str) -> None:
    """Run the program as Python does; how it ends is how this process ends."""
    if how == "-m":
        runpy.run_module(program, run_name="__main__", alter_sys=True)
    elif how == _FILE:
        runpy.run_path(program, run_name="__main__")
    else:
        module = ModuleType("__main__")
        sys.modules["__main__"] = module
        exec(compile(program, "<string>", "exec"), module.__dict__)


if __name__ == "__main__":
    for _name in IMPORTED:
        importlib.import_module(_name)
    _serve(socket.socket(fileno=int(sys.argv[1])))
