"""`demo`: the whole product on real input, without any service."""

from __future__ import annotations

import click

from ..errors import EmbeddedError
from .console import reported

MISSING = "the demo needs more than is installed: python3 -m pip install 'scrypath-celery[demo]'"


@click.command(epilog="Example: scrypath-celery demo")
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Sync 34,006 cities, break things, repair them, and check the result document by document."""
    with reported("demo", as_json=False):
        try:
            from ..demo.play import play
        except ModuleNotFoundError as exc:
            raise EmbeddedError(MISSING) from exc
        ctx.exit(play())
