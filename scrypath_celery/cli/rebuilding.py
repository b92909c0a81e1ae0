"""What the commands of rebuilds share: the mode they run in, and their lines."""

from __future__ import annotations

import click

from ..rebuild.rebuild import How
from ..rebuild.report import RebuildStatus
from .app_command import seen_by_workers
from .console import Console
from .progress import Meter
from .text import pairs


def how(console: Console, what: str, *, detach: bool, meter: Meter) -> How:
    """How a command runs a rebuild: flags that workers would not see are refused where workers run it.

    Raises:
        ConfigError: such a flag was given.
    """
    mode = console.search.rebuild_mode()
    if mode.value == "celery":
        seen_by_workers(console, what)
    elif detach:
        raise click.UsageError("--detach leaves a rebuild to the workers: it needs the mode celery")
    return How(mode=mode, detach=detach, progress=meter, note=console.note)


def rebuild_line(one: RebuildStatus) -> str:
    """One line about a rebuild."""
    shown = pairs(
        id=one.id,
        operation=one.operation.value,
        phase=one.phase.value,
        filled=one.filled,
        total=one.total,
        ranges=f"{one.ranges_over}/{one.ranges}",
        rate=one.rate,
        eta=one.eta,
        caught_up=one.caught_up,
        owner=one.owner,
        target=one.target,
    )
    return shown + (f" blocked_by={','.join(one.blocked_by)}" if one.blocked_by else "")


def pairs_of(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """The field=value pairs of an option."""
    found: dict[str, str] = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{text!r} must be field=value", ctx, param)
        found[name] = value
    return found
