"""Looking beside the worker's event loop, which must not wait for a database that does not answer."""

from __future__ import annotations

import json
import os
import select
import signal
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import ScrypathError

Reply = dict[str, Any]


def look_apart(function: Callable[[], Reply], *, seconds: float, fork: bool) -> Reply:
    """What `function` replies, waited for; an error in one line where it fails or takes longer than `seconds`."""
    look, end = Look(function, fork=fork), time.monotonic() + seconds
    poll = select.poll()
    poll.register(look.receiver, select.POLLIN | select.POLLHUP)
    try:
        while (left := end - time.monotonic()) > 0 and poll.poll(left * 1000):
            if look.read():
                return look.reply()
    finally:
        look.close()
    return too_long(seconds)


def too_long(seconds: float) -> Reply:
    """The reply of a look that took longer than it may."""
    return {"error": f"looking took longer than {seconds:g} s"}


class Look:
    """A look under way, which writes what it finds into a pipe; `receiver` is readable when there is something.

    With `fork` it runs in a child process, so that this process opens no connection and starts no thread, either of
    which a pool of forked children could inherit; else in a thread.
    """

    def __init__(self, function: Callable[[], Reply], *, fork: bool) -> None:
        self.receiver, sender = os.pipe()
        self._parts: list[bytes] = []
        self._pid: int | None = None
        if not fork:
            arguments = (function, sender)
            threading.Thread(target=_answer, args=arguments, name="scrypath-look", daemon=True).start()
            return
        with warnings.catch_warnings():
            # Python warns of threads beside a fork: what the child may wait for in vain is bounded by who reads.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            try:
                _answer(function, sender)
            finally:
                os._exit(0)
        os.close(sender)

    def read(self) -> bool:
        """Take what is there to read; whether that was all."""
        part = os.read(self.receiver, 65_536)
        self._parts.append(part)
        return not part

    def reply(self) -> Reply:
        """What was found; an error where the look ended without a word."""
        told = b"".join(self._parts)
        found: Reply = json.loads(told) if told else {"error": "looking failed: its process ended"}
        return found

    def close(self) -> None:
        """End the look, wherever it stands (a thread ends by itself)."""
        os.close(self.receiver)
        if self._pid is None:
            return
        with suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _answer(function: Callable[[], Reply], sender: int) -> None:
    """Write the reply, whatever happens."""
    try:
        found = function()
    except ScrypathError as exc:
        found = {"error": str(exc)}
    except Exception as exc:  # noqa: BLE001 - whoever reads has nothing else to tell
        found = {"error": f"looking failed ({type(exc).__name__})"}
    with suppress(OSError), os.fdopen(sender, "wb") as pipe:  # who waited for it may be gone
        pipe.write(json.dumps(found, default=str).encode())
