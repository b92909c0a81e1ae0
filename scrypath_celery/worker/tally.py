"""What the processes of one worker have done since it started; its main process asks nobody to see it."""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

PATIENCE = 0.05
"""How long (seconds) a process waits for another that counts; beyond that it leaves its count out."""

_SIZE = 16_384


class Tally:
    """Counters and the last passes of the relay, in a file without a name that forked processes share.

    The system's lock of a file ends with the process that holds it: a pool process may be killed at any instant.
    """

    def __init__(self) -> None:
        self._file, name = tempfile.mkstemp(prefix="scrypath-")
        os.unlink(name)
        weakref.finalize(self, os.close, self._file)
        self._lock = threading.Lock()
        self._write({"since": _now(), "counts": {}, "relay": {"passes": 0}})

    def read(self) -> dict[str, Any]:
        """What was counted; waits for nobody."""
        found: dict[str, Any] = json.loads(os.pread(self._file, _SIZE, 0))
        return found

    def add(self, **counts: int) -> None:
        """Add to counters by their names."""
        self._change(lambda found: _added(found["counts"], counts))

    def passed(self, counts: Mapping[str, int], errors: Mapping[str, str]) -> None:
        """Note a pass of the relay: what it did, and the classes of errors of steps that failed."""

        def change(found: dict[str, Any]) -> None:
            relay = found["relay"]
            relay["passes"] += 1
            relay["last_pass"] = _now()
            _added(relay.setdefault("counts", {}), counts)
            for step, error in errors.items():
                relay["last_error"] = {"at": _now(), "step": step, "error": error}

        self._change(change)

    def failed(self, code: str) -> None:
        """Note that a pass of the relay could not be made, with the code of the error."""
        self._change(lambda found: found["relay"].update(last_error={"at": _now(), "step": "ledger", "error": code}))

    def is_first(self, name: str, *, within: float) -> bool:
        """Whether nobody asked this of a name in the last seconds; false where others count for too long."""
        firsts: list[bool] = []

        def change(found: dict[str, Any]) -> None:
            told, at = found.setdefault("told", {}), time.time()
            firsts.append(at - told.get(name, 0.0) >= within)
            if firsts[0]:
                told[name] = at

        self._change(change)
        return bool(firsts and firsts[0])

    def _change(self, change: Any) -> None:
        with self._lock:
            if not self._locked():
                return
            try:
                with suppress(ValueError):  # torn by a process that was killed while it wrote
                    found = self.read()
                    change(found)
                    self._write(found)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _locked(self) -> bool:
        end, pause = time.monotonic() + PATIENCE, threading.Event()
        while True:
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                if time.monotonic() > end:
                    return False
                pause.wait(0.005)
            else:
                return True

    def _write(self, found: Mapping[str, Any]) -> None:
        os.pwrite(self._file, json.dumps(found).ljust(_SIZE).encode(), 0)


def _added(to: dict[str, int], counts: Mapping[str, int]) -> None:
    for name, count in counts.items():
        if count:
            to[name] = to.get(name, 0) + count


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
