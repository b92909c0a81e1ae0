"""Watching a page of records being projected: what hangs is marked in the ledger while it hangs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from ..errors import ScrypathError
from ..ledger import claims
from ..ledger import stuck as stuck_work
from ..logs import log
from .claim_run import ClaimRun


@contextmanager
def watched(run: ClaimRun) -> Iterator[Callable[[str], None]]:
    """Within this context a record that is projected for longer than `hang_seconds` is marked in its claim.

    Yields what is to be called with the id of each record before it is projected. While ids change the lease is
    renewed; of one that hangs it is made as long as the task may take, so that nobody takes its work over before the
    task is ended, and hangs beside it.
    """
    if run.runtime.ledger.is_bound:  # its connection is that of the thread that reads
        yield lambda id: None
        return
    watch = _Watch(run)
    thread = threading.Thread(target=watch.run, name="scrypath-watchdog", daemon=True)
    thread.start()
    try:
        yield watch.note
    except Exception:
        watch.stop()
        raise
    except BaseException:  # this process is ended, maybe because of what hangs
        watch.stop(keep=True)
        raise
    watch.stop()


class _Watch:
    def __init__(self, run: ClaimRun) -> None:
        self._run, self._options = run, run.runtime.options
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._current: tuple[str, float] | None = None
        self._marked: str | None = None

    def note(self, id: str) -> None:
        self._current = (id, time.monotonic())

    def stop(self, *, keep: bool = False) -> None:
        """End the watch, and forget a mark of what went on after all, unless it is to `keep` it."""
        self._over.set()
        with self._lock:
            if self._marked is not None and not keep:
                self._write(partial(stuck_work.forget, token=self._run.claim.token))

    def run(self) -> None:
        seen: tuple[str, float] | None = None
        while not self._over.wait(self._options.hang_seconds / 2):
            current = self._current
            with self._lock:
                if self._over.is_set():
                    return
                if current is not None and current == seen:
                    self._mark(*current)
                elif current is not None:
                    self._write(partial(claims.hold, token=self._run.claim.token, lease=self._options.lease))
            seen = current

    def _mark(self, id: str, since: float) -> None:
        seconds = time.monotonic() - since
        if id == self._marked or seconds < self._options.hang_seconds:
            return
        token, lease = self._run.claim.token, max(self._options.lease, self._options.time_limit)
        if self._write(partial(stuck_work.mark, token=token, id=id, seconds=seconds, lease=lease)):
            self._marked = id
            works = [item.id for item in self._run.claim.works if id in item.left]
            log("projection_hangs", schema=self._run.schema.name, works=works, seconds=round(seconds))

    def _write(self, change: Callable[..., object]) -> bool:
        try:
            self._run.runtime.ledger.run(lambda tx: change(tx))
        except ScrypathError as exc:
            log("watched_claim_not_noted", error=exc.code)
            return False
        return True
