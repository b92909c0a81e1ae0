"""Hearing, beside the worker's event loop, which indexes triggers have written works for."""

from __future__ import annotations

import json
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Engine

from ..ledger.notifications import heard

POOLS = {"celery.concurrency.prefork": True, "celery.concurrency.thread": False, "celery.concurrency.solo": False}
"""The pools of workers that listen; whether they fork."""


class Listener:
    """Listens for as long as it is open; `receiver` is readable when there is something to `read`.

    With `fork` it lives in a child process, so that this one has neither a thread nor a connection that forked children
    could inherit; else in a thread. It ends with this process. `database` gives the Engine, where it is called.
    """

    def __init__(self, database: Callable[[], Engine], *, fork: bool) -> None:
        self.receiver, sender = os.pipe()
        stop, self._stopper = os.pipe()
        os.set_blocking(self.receiver, False)
        self._rest = b""
        self._pid: int | None = None
        if not fork:
            arguments = (database, sender, stop, lambda: False)
            threading.Thread(target=_listen, args=arguments, name="scrypath-listener", daemon=True).start()
            return
        parent = os.getpid()
        with warnings.catch_warnings():
            # Python warns of threads beside a fork: the child takes none of the locks that they may hold for long.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            try:
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1):
                    signal.signal(number, signal.SIG_DFL)
                os.close(self._stopper)
                # Processes that are forked later hold the other end of `stop`, too.
                _listen(database, sender, stop, lambda: os.getppid() != parent)
            finally:
                os._exit(0)
        os.close(sender)
        os.close(stop)

    def read(self) -> list[str | None]:
        """The uids of indexes that works were written for, since the last time; None stands for any index.

        Raises:
            EOFError: the listener has ended.
        """
        try:
            part = os.read(self.receiver, 65_536)
        except BlockingIOError:
            return []
        if not part:
            raise EOFError
        *lines, self._rest = (self._rest + part).split(b"\n")
        return list(dict.fromkeys(uid for line in lines for uid in json.loads(line)))

    def close(self) -> None:
        """End it."""
        os.close(self._stopper)
        os.close(self.receiver)
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)


def _listen(database: Callable[[], Engine], sender: int, stop: int, is_over: Callable[[], bool]) -> None:
    """Write a line for each batch of what is heard."""
    # Who read it may be gone.
    with suppress(OSError), os.fdopen(stop, "rb"), os.fdopen(sender, "wb", buffering=0) as pipe:
        for told in heard(database(), stop=stop, is_over=is_over):
            pipe.write(json.dumps([None] if told is None else sorted(told)).encode() + b"\n")


def chosen(pool: Any) -> bool | None:
    """Whether a worker with this pool listens in a child process; None where it does not listen."""
    return POOLS.get(type(pool).__module__)


def meant(told: Sequence[str | None], indexes: Iterable[str]) -> list[str]:
    """Those of some indexes that were told of."""
    return [uid for uid in indexes if uid in told or None in told]
