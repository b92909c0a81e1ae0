"""The limit that --timeout sets: a command ends within it, whatever it waits for."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..errors import CommandTimeout

GRACE = 2.0
"""Seconds that a command is given to let go of what it holds, before its process ends all the same."""


class _Watch(threading.Thread):
    """Interrupts the main thread as Ctrl-C does once the time is over; where that has no effect, ends the process."""

    def __init__(self, seconds: float, give_up: Callable[[CommandTimeout], None]) -> None:
        super().__init__(name="scrypath-timeout", daemon=True)
        self.error = CommandTimeout(f"it did not end within {seconds:g} s: give it more with --timeout")
        self.expired = False
        self._seconds, self._give_up = seconds, give_up
        self._over, self._lock = threading.Event(), threading.Lock()

    def run(self) -> None:
        if self._over.wait(self._seconds):
            return
        with self._lock:
            if self._over.is_set():
                return
            self.expired = True
            if hasattr(signal, "pthread_kill"):  # a real signal: it ends a wait in a system call, too
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        if not self._over.wait(GRACE):
            self._give_up(self.error)
            os._exit(1)

    def end(self) -> None:
        """Watch no longer."""
        with self._lock:
            self._over.set()


def rest(seconds: float) -> None:
    """Do nothing for some seconds, between two looks."""
    threading.Event().wait(seconds)


@contextmanager
def time_limit(seconds: float | None, give_up: Callable[[CommandTimeout], None]) -> Iterator[None]:
    """End the block by an error once `seconds` are over (None: never); `give_up` reports it where nothing else can.

    Raises:
        CommandTimeout: the time was over.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    watch = _Watch(seconds, give_up)
    watch.start()
    try:
        try:
            yield
        finally:
            watch.end()
    except KeyboardInterrupt:
        watch.end()
        if watch.expired:
            raise watch.error from None
        raise
