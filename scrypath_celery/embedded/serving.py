"""The engine as a process of its own, in the foreground."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ..errors import EmbeddedError
from .engine import EmbeddedEngine

_NOTICE = "the embedded engine is for tests and first steps; it is no production engine"


def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 7700,
    data: str | Path | None = None,
    master_key: str | None = None,
    batch_cost: float = 0.0,
    document_cost: float = 0.0,
    payload_limit: int = 100_000_000,
    faults_route: bool = False,
) -> None:
    """Run an engine until SIGINT or SIGTERM; the parameters are those of `EmbeddedEngine`.

    Has to be called from the main thread. What it is and where it listens goes to standard error. EmbeddedError where
    the port is taken or the file cannot be used.
    """
    over = threading.Event()
    engine = EmbeddedEngine(
        port,
        host,
        data,
        master_key,
        batch_cost,
        payload_limit,
        document_cost=document_cost,
        faults_route=faults_route,
    )
    before = {one: signal.signal(one, lambda *_: over.set()) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        with engine:
            kept = "in memory" if data is None else f"in {data}"
            sys.stderr.write(f"{_NOTICE}\nlistening on {engine.url}, data {kept}\n")
            sys.stderr.flush()
            over.wait()
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m scrypath_celery.embedded`: exit code 0 after a signal, 2 where the engine could not be started."""
    parser = argparse.ArgumentParser(prog="python -m scrypath_celery.embedded", description=_NOTICE)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback)")
    parser.add_argument("--port", type=int, default=7700, help="port to listen on; 0 takes any (default: 7700)")
    parser.add_argument(
        "--data", metavar="FILE", help="file that keeps the state, or a folder for it (default: memory)"
    )
    parser.add_argument("--master-key", metavar="KEY", help="close the engine to those who do not know the key")
    parser.add_argument("--batch-cost", type=float, default=0.0, metavar="SECONDS", help="least time of every batch")
    parser.add_argument(
        "--document-cost", type=float, default=0.0, metavar="SECONDS", help="what each document adds to it"
    )
    parser.add_argument("--payload-limit", type=int, default=100_000_000, metavar="BYTES", help="largest body")
    parser.add_argument("--faults", action="store_true", help="open /_faults, by which faults are set")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    try:
        serve(
            host=options.host,
            port=options.port,
            data=options.data,
            master_key=options.master_key,
            batch_cost=options.batch_cost,
            document_cost=options.document_cost,
            payload_limit=options.payload_limit,
            faults_route=options.faults,
        )
    except EmbeddedError as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    return 0
