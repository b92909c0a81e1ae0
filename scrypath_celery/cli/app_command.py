"""The decorator of commands that work on an application: its flags, its loading, its errors and exit codes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial, update_wrapper
from typing import Any

import click

from ..errors import ConfigError
from .application import AppTarget
from .console import Console, reported, tell_error
from .given import GIVEN
from .seconds import Seconds
from .time_limit import time_limit

FLAGS = ("sync_mode", "index_prefix", "meilisearch_url", "queue", "backend")
OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout, with a version."),
    click.option(
        "--sync-mode",
        type=click.Choice(["inline", "celery", "manual"]),
        help="Instead of the app's sync_mode.",
    ),
    click.option("--index-prefix", metavar="PREFIX", help="Instead of the app's index_prefix."),
    click.option("--meilisearch-url", type=GIVEN, metavar="URL", help="Instead of the app's meilisearch_url."),
    click.option("--queue", type=GIVEN, metavar="NAME", help="Instead of the app's queue."),
    click.option("--backend", type=click.Choice(["meilisearch"]), help="Instead of the app's backend."),
)
"""What each of these commands takes."""

UNSEEN = ("index_prefix", "meilisearch_url")
"""Flags that change where work goes, and that workers do not see."""

Body = Callable[..., int | None]


def operating(function: Body) -> Callable[..., None]:
    """Make a command of a function of a `Console` and the command's own parameters; it returns the exit code."""
    return _command(function, None)


def looking(seconds: float) -> Callable[[Body], Callable[..., None]]:
    """The same for a command that only looks: it ends within `seconds` unless --timeout says otherwise."""
    return lambda function: _command(function, seconds)


def _command(function: Body, seconds: float | None) -> Callable[..., None]:
    def command(ctx: click.Context, /, as_json: bool, timeout: float | None, **parameters: Any) -> None:
        flags = {name: value for name in FLAGS if (value := parameters.pop(name)) is not None}
        chosen = ctx.find_object(AppTarget)
        assert chosen is not None
        name = ctx.info_name or ""
        repeats = parameters.get("watch") is not None or parameters.get("wait_seconds") is not None
        limit = None if repeats else timeout  # then it bounds each look
        give_up = partial(tell_error, name, as_json=as_json, program=chosen.program)
        with reported(name, as_json=as_json, program=chosen.program), time_limit(limit, give_up):
            began = time.monotonic()
            search = chosen.load()
            with search.override(**flags) if flags else nullcontext():
                console = Console(
                    search=search,
                    program=chosen.program,
                    worker=chosen.worker,
                    as_json=as_json,
                    flags=flags,
                    timeout=timeout,
                    began=began,
                )
                code = function(console, **parameters) or 0
        ctx.exit(code)

    update_wrapper(command, function)
    made: Callable[..., None] = click.pass_context(command)
    limit = click.option(
        "--timeout",
        type=Seconds(min_open=True),
        metavar="SECONDS",
        default=seconds,
        show_default=seconds is not None,
        help="End within this time, whatever does not answer.",
    )
    for option in reversed((*OPTIONS, limit)):
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
