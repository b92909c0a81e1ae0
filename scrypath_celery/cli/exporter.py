"""`exporter`: the metrics of ledger and engine over HTTP, in the foreground."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ..errors import ConfigError
from .application import AppTarget
from .console import reported
from .given import GIVEN, PORT
from .seconds import Seconds


@click.command(epilog="Example: scrypath-celery -A shop exporter --port 9808")
@click.option("--port", type=PORT, metavar="PORT", default=9808, show_default=True, help="Port; 0 takes any.")
@click.option(
    "--address", type=GIVEN, metavar="HOST", default="127.0.0.1", show_default=True, help="Address to listen on."
)
@click.option(
    "--timeout",
    type=Seconds(min_open=True),
    metavar="SECONDS",
    default=5.0,
    show_default=True,
    help="Answer each scrape within this time, whatever does not answer.",
)
@click.option(
    "--count-limit",
    type=click.IntRange(min=1),
    metavar="WORKS",
    default=1_000,
    show_default=True,
    help="Count works of one schema and state up to this number.",
)
@click.pass_context
def exporter(ctx: click.Context, port: int, address: str, timeout: float, count_limit: int) -> None:
    """Serve the metrics of ledger and engine to Prometheus, at /metrics, until Ctrl-C or SIGTERM."""
    chosen = ctx.find_object(AppTarget)
    assert chosen is not None
    with reported("exporter", as_json=False, program=chosen.program), _logged():
        over = threading.Event()
        before = {one: signal.signal(one, lambda *_: over.set()) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            server = _served(chosen, port, address, timeout=timeout, count_limit=count_limit)
            host = f"[{address}]" if ":" in address else address
            click.echo(f"metrics: http://{host}:{server.server_port}/metrics")
            over.wait()
            server.shutdown()
            server.server_close()
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


@contextmanager
def _logged() -> Iterator[None]:
    """Let stderr have what is logged meanwhile: why a part is down stands in no metric."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("scrypath_celery")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _served(chosen: AppTarget, port: int, address: str, **bounds: Any) -> Any:
    from ..metrics import collector, require_client

    require_client()
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(collector(chosen.load(), process=False, **bounds))
    try:
        server, _ = start_http_server(port, address, registry)
    except OSError as exc:
        raise ConfigError(f"cannot listen on {address}:{port}: {exc.strerror or exc}; give another --port") from exc
    return server
