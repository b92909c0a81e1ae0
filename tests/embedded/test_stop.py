"""A stop lets go of every connection, also of those that come while it stops."""

from __future__ import annotations

import gc
import socket
import sys
import threading
from contextlib import ExitStack

import pytest

from scrypath_celery.embedded import EmbeddedEngine

CLIENTS = 60


def test_no_connection_stays_open_that_came_while_the_engine_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda found: left.append(found.exc_value))
    for _ in range(20):
        with ExitStack() as connections:
            some = threading.Event()
            with EmbeddedEngine() as engine:
                knocking = threading.Thread(target=_knock, args=(engine, connections, some))
                knocking.start()
                some.wait()
            knocking.join()
        gc.collect()
    assert left == []


def _knock(engine: EmbeddedEngine, connections: ExitStack, some: threading.Event) -> None:
    address = (engine.host, engine.port)
    for number in range(CLIENTS):
        try:
            connections.enter_context(socket.create_connection(address, timeout=5))
        except OSError:  # it has stopped
            break
        if number == CLIENTS // 4:
            some.set()
    some.set()
