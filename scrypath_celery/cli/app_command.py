"""The decorator of commands that work on an application: its flags, its loading, its errors and exit codes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import update_wrapper
from typing import Any

import click

from ..errors import ConfigError
from .application import AppTarget
from .console import Console, reported

FLAGS = ("sync_mode", "index_prefix", "meilisearch_url", "queue", "backend")
OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, with a version."),
    click.option("--sync-mode", type=click.Choice(["inline", "celery", "manual"]), help="Instead of the app's."),
    click.option("--index-prefix", metavar="PREFIX", help="Instead of the app's."),
    click.option("--meilisearch-url", metavar="URL", help="Instead of the app's."),
    click.option("--queue", metavar="NAME", help="Instead of the app's."),
    click.option("--backend", type=click.Choice(["meilisearch"]), help="Instead of the app's."),
)
"""What each of these commands takes."""

UNSEEN = ("index_prefix", "meilisearch_url")
"""Flags that change where work goes, and that workers do not see."""

Body = Callable[..., int | None]


def operating(function: Body) -> Callable[..., None]:
    """Make a command of a function of a `Console` and the command's own parameters; it returns the exit code."""

    def command(ctx: click.Context, /, as_json: bool, **parameters: Any) -> None:
        flags = {name: value for name in FLAGS if (value := parameters.pop(name)) is not None}
        chosen = ctx.find_object(AppTarget)
        assert chosen is not None
        with reported(ctx.info_name or "", as_json=as_json, program=chosen.program):
            search = chosen.load()
            with search.override(**flags) if flags else nullcontext():
                console = Console(search=search, program=chosen.program, as_json=as_json, flags=flags)
                code = function(console, **parameters) or 0
        ctx.exit(code)

    update_wrapper(command, function)
    made: Callable[..., None] = click.pass_context(command)
    for option in reversed(OPTIONS):
        made = option(made)
    return made


def seen_by_workers(console: Console, what: str) -> None:
    """Refuse flags that workers would not see, for an action that they run.

    Raises:
        ConfigError: such a flag was given.
    """
    for name in UNSEEN:
        if name in console.flags:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigError(f"{flag} cannot be given with {what}: workers run it, and they would not see it")
