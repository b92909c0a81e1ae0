"""`engine`: the embedded engine alone, in the foreground."""

from __future__ import annotations

import click

from ..errors import EmbeddedError
from .console import reported
from .given import GIVEN, PORT
from .seconds import Seconds

MISSING = "the embedded engine needs more than is installed: python3 -m pip install 'scrypath-celery[dev]'"


@click.command(epilog="Example: scrypath-celery engine --port 7700 --data engine.db")
@click.option("--host", type=GIVEN, default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=PORT, metavar="PORT", default=7700, show_default=True, help="Port to listen on; 0 takes any."
)
@click.option(
    "--data", type=GIVEN, metavar="FILE", help="File that keeps the state, or a folder for it (default: memory)."
)
@click.option(
    "--master-key", type=GIVEN, metavar="KEY", envvar="MEILI_MASTER_KEY", help="Close the engine to all who lack it."
)
@click.option(
    "--batch-cost", type=Seconds(), default=0.0, show_default=True, help="Least time of every batch, in seconds."
)
@click.option(
    "--document-cost", type=Seconds(), default=0.0, show_default=True, help="What each document adds to it, in seconds."
)
@click.option(
    "--payload-limit",
    type=click.IntRange(min=1),
    metavar="BYTES",
    default=100_000_000,
    show_default=True,
    help="Largest body in bytes, decompressed.",
)
@click.option("--faults", is_flag=True, help="Open the route by which faults are set.")
def engine(
    host: str,
    port: int,
    data: str | None,
    master_key: str | None,
    batch_cost: float,
    document_cost: float,
    payload_limit: int,
    faults: bool,
) -> None:
    """Run the embedded engine: it speaks Meilisearch's protocol, for tests and first steps, not for production."""
    with reported("engine", as_json=False):
        try:
            from ..embedded import serve
        except ModuleNotFoundError as exc:
            raise EmbeddedError(MISSING) from exc
        serve(
            host=host,
            port=port,
            data=data,
            master_key=master_key,
            batch_cost=batch_cost,
            document_cost=document_cost,
            payload_limit=payload_limit,
            faults_route=faults,
        )
