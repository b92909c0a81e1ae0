"""Completion of schema names, for the shells that click completes for."""

from __future__ import annotations

import contextlib
import io

import click

from ..errors import ScrypathError
from .application import AppTarget


def schema_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """The schemas of the application that the command line names, as far as it can be loaded; says nothing."""
    given = ctx.find_root().params.get("app")
    target = AppTarget(name=given if isinstance(given, str) else None, program="")
    if given is not None and not isinstance(given, str):  # Celery has loaded it already
        target = AppTarget(name=given.main, program="", app=given)
    quiet = io.StringIO()
    try:
        # What the application prints when it is imported would be taken for completions.
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            schemas = target.load().schemas
    except ScrypathError:
        return []
    from ..operator.display_name import display_name

    names = [display_name(schemas, schema) for schema in schemas]
    return [name for name in names if name.startswith(incomplete)]


schema_argument = click.argument("schema", required=False, shell_complete=schema_names)
"""The argument SCHEMA, which may be left out."""
