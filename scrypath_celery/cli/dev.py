"""`dev`: the embedded engine and a broker, in the foreground, for first steps without any service."""

from __future__ import annotations

import json
import signal
import threading
from typing import Any

import click

from ..errors import EmbeddedError
from .console import reported
from .given import GIVEN, PORT

MISSING = "the embedded engine and broker need more than is installed: python3 -m pip install 'scrypath-celery[dev]'"


@click.command(epilog="Example: scrypath-celery dev --engine-port 0 --json")
@click.option(
    "--engine-port", type=PORT, metavar="PORT", default=7700, show_default=True, help="The engine's port; 0 takes any."
)
@click.option(
    "--broker-port", type=PORT, metavar="PORT", default=0, show_default=True, help="The broker's port; 0 takes any."
)
@click.option("--data", type=GIVEN, metavar="FILE", help="File that keeps the engine's state (default: memory).")
@click.option("--json", "as_json", is_flag=True, help="Print the URLs as one JSON document.")
def dev(engine_port: int, broker_port: int, data: str | None, as_json: bool) -> None:
    """Run the embedded engine and a broker, and print their URLs, until Ctrl-C. Both are for first steps and tests."""
    with reported("dev", as_json=as_json):
        over = threading.Event()
        before = {one: signal.signal(one, lambda *_: over.set()) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            engine, broker = _embedded(engine_port, broker_port, data)
            with engine, broker:
                _announce(engine.url, broker.url, as_json)
                over.wait()
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def _embedded(engine_port: int, broker_port: int, data: str | None) -> tuple[Any, Any]:
    try:
        from ..embedded import EmbeddedEngine
        from ..testing.broker import FakeBroker
    except ModuleNotFoundError as exc:
        raise EmbeddedError(MISSING) from exc
    return EmbeddedEngine(port=engine_port, data=data), FakeBroker(broker_port)


def _announce(engine: str, broker: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"version": 1, "command": "dev", "meilisearch_url": engine, "broker_url": broker}))
        return
    click.echo(f"engine: {engine}\nbroker: {broker}\n")
    click.echo(f'  app = Celery("shop", broker="{broker}")')
    click.echo(f'  search = Scrypath(app, database=..., meilisearch_url="{engine}")\n')
    click.echo("Ctrl-C ends both. The broker's messages, and the engine's documents unless --data, end with them.")
