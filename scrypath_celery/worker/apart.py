"""Looking beside the worker's event loop, which must not wait for a database that does not answer."""

from __future__ import annotations

import json
import os
import select
import signal
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..errors import LedgerUnavailable, ScrypathError
from ..ledger.limits import within

Reply = dict[str, Any]


def look_apart(function: Callable[[], Reply], *, seconds: float, fork: bool) -> Reply:
    """What `function` replies, or an error in one line where it raises one of ours or takes longer than `seconds`.

    With `fork` it runs in a child process, so that this process opens no connection and starts no thread, either of
    which a pool of forked children could inherit; else in a thread.
    """
    try:
        return _in_child(function, seconds) if fork else within(seconds, function)
    except ScrypathError as exc:
        return {"error": str(exc)}


def _in_child(function: Callable[[], Reply], seconds: float) -> Reply:
    receiver, sender = os.pipe()
    with warnings.catch_warnings():
        # Python warns of threads beside a fork: what the child may wait for in vain is bounded below.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _answer(function, sender)
    os.close(sender)
    try:
        told = _read(receiver, time.monotonic() + seconds)
    finally:
        os.close(receiver)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)
    if told is None:
        raise LedgerUnavailable(f"looking took longer than {seconds:g} s")
    found: Reply = json.loads(told)
    return found


def _answer(function: Callable[[], Reply], sender: int) -> None:
    """Run in the child: write the reply and end, whatever happens, without the parent's clean-up."""
    try:
        try:
            found = function()
        except ScrypathError as exc:
            found = {"error": str(exc)}
        except Exception as exc:  # noqa: BLE001 - the parent has nothing else to tell
            found = {"error": f"looking failed ({type(exc).__name__})"}
        with os.fdopen(sender, "wb") as pipe:
            pipe.write(json.dumps(found, default=str).encode())
    finally:
        os._exit(0)


def _read(receiver: int, end: float) -> bytes | None:
    """All that the child writes; None where it does not end in time."""
    parts: list[bytes] = []
    poll = select.poll()
    poll.register(receiver, select.POLLIN | select.POLLHUP)
    while True:
        left = end - time.monotonic()
        if left <= 0 or not poll.poll(left * 1000):
            return None
        part = os.read(receiver, 65_536)
        if not part:
            return b"".join(parts)
        parts.append(part)
