"""The same commands inside Celery's own: `celery -A app scrypath status`. Imported by every `celery` command."""

from __future__ import annotations

import shlex

import click

from .application import AppTarget
from .group import HELP, Commands


def _known_to_inspect() -> None:
    """Let `celery inspect` and `celery control` know our commands: they look their names up in this process."""
    from ..worker import inspect  # noqa: F401 - its commands are registered when it is imported


@click.group(cls=Commands, name="scrypath", help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def scrypath(ctx: click.Context) -> None:
    """Note which application Celery was given."""
    given = ctx.find_root().params.get("app")
    if given is None:
        # Celery's default app is nobody's: look where an application may be named instead.
        ctx.obj = AppTarget(name=None, program="celery scrypath")
        return
    shown = given if isinstance(given, str) else given.main
    ctx.obj = AppTarget(name=shown, program=f"celery -A {shlex.quote(shown)} scrypath", app=ctx.obj.app)


_known_to_inspect()
