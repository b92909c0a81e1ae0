"""The engine as tests and applications start it: beside them, in a thread of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import EmbeddedError
from .core import Core
from .faults import Faults
from .scheduler import Cost
from .server import Server


class EmbeddedEngine:
    """A Meilisearch-compatible engine in this process, for tests and first steps; no production engine.

    `port` 0 takes any free one; `host` is loopback unless told otherwise; `data` is the file that keeps its state, or a
    folder that has it (None: memory); `master_key` closes it to those who do not know it; `batch_cost` is the time in
    seconds that every batch of documents or settings takes at least, to which `document_cost` adds seconds for each
    document; `payload_limit` is in bytes after decompression; `faults_route` opens `/_faults`. EmbeddedError where the
    port is taken or the file cannot be used.

        with EmbeddedEngine() as engine:
            client = meilisearch.Client(engine.url)
    """

    def __init__(
        self,
        port: int = 0,
        host: str = "127.0.0.1",
        data: str | Path | None = None,
        master_key: str | None = None,
        batch_cost: float = 0.0,
        payload_limit: int = 100_000_000,
        *,
        document_cost: float = 0.0,
        faults_route: bool = False,
    ) -> None:
        self.host, self.port, self.master_key = host, port, master_key
        self._options = (data, master_key, Cost(batch_cost, document_cost), payload_limit)
        self._faults_route = faults_route
        self._core: Core | None = None
        self._thread: threading.Thread | None = None
        self._snapshots: dict[str, sqlite3.Connection] = {}

    def start(self) -> Self:
        """Open the database, listen, and begin to run tasks."""
        self._core = Core(*self._options)
        self._loop = asyncio.new_event_loop()
        self._server = Server(self._core, faults_route=self._faults_route)
        self._thread = threading.Thread(target=self._serve, name="embedded-engine", daemon=True)
        self._thread.start()
        try:
            opening = asyncio.run_coroutine_threadsafe(self._server.open(self.host, self.port), self._loop)
            self.port = opening.result()
        except (OSError, OverflowError) as exc:
            self._end_loop()
            self._core.database.close()
            self._core = self._thread = None
            number = getattr(exc, "errno", None) or 0
            why = os.strerror(number).lower() if number > 0 else str(exc)
            text = f"cannot listen on {self.host}:{self.port}: {why}; choose another port or host"
            raise EmbeddedError(text) from exc
        self._core.start()
        return self

    def stop(self) -> None:
        """Stop listening and running; with a data file, what waits goes on at the next start."""
        if self._core is None or self._thread is None:
            return
        self._core.faults.clear()
        asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result()
        self._end_loop()
        self._core.stop()
        self._core = self._thread = None
        for snapshot in self._snapshots.values():
            snapshot.close()
        self._snapshots.clear()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, as the clients want it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def faults(self) -> Faults:
        """The faults in force."""
        return self._running().faults

    def reset(self) -> None:
        """Forget all indexes, tasks, keys and faults, and thaw: as new, at the same address."""
        self._running().reset()

    def freeze(self) -> None:
        """Take no further batch: tasks are accepted and wait."""
        self._running().scheduler.freeze()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self._running().scheduler.thaw()

    def snapshot(self) -> str:
        """Keep the present state and return a token for `restore`."""
        token = secrets.token_hex(8)
        self._snapshots[token] = self._running().snapshot()
        return token

    def restore(self, token: str) -> None:
        """Go back to a snapshot, as an engine that is started from an older copy of its files: task uids come again."""
        if token not in self._snapshots:
            raise EmbeddedError(f"there is no snapshot {token!r}; use what snapshot() returned")
        self._running().restore(self._snapshots[token])

    def _running(self) -> Core:
        if self._core is None:
            raise EmbeddedError("the engine is not running; use it inside `with EmbeddedEngine() as engine:`")
        return self._core

    def _serve(self) -> None:
        self._loop.run_forever()
        self._loop.run_until_complete(_let_go())

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        if self._thread is not None:
            self._thread.join()
        self._loop.close()


async def _let_go() -> None:
    """End what is still under way in this loop, and let connections that are closed give back what they hold."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for one in left:
        one.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await asyncio.sleep(0)
