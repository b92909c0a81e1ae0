"""The options by which commands choose works, and what they give."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

import click

from ..operator.selection import Selection
from ..work import ReasonClass, State
from .given import GIVEN

F = TypeVar("F", bound=Callable[..., Any])

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(ctx: click.Context, param: click.Parameter, text: str | None) -> datetime | timedelta | None:
    """The date in ISO 8601 (UTC where it has no zone), or the span before now such as 90s, 10m, 2h or 7d."""
    if text is None:
        return None
    span = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smhd])", text)
    try:
        if span is not None:
            return timedelta(**{UNITS[span[2]]: float(span[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        wrong = f"{text!r} is not a time such as 10m, 2h, 1d or 2026-11-28T07:30"
        raise click.BadParameter(wrong, ctx, param) from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


OPTIONS = (
    click.option("--reason-class", type=click.Choice([one.value for one in ReasonClass]), help="Of this class alone."),
    click.option("--code", type=GIVEN, metavar="CODE", help="Of this error code alone."),
    click.option(
        "--since", type=GIVEN, metavar="TIME", callback=moment, help="Ended since: 10m, 2h, 1d ago, or a date (UTC)."
    ),
    click.option("--until", type=GIVEN, metavar="TIME", callback=moment, help="Ended before."),
    click.option("--document", type=GIVEN, metavar="ID", help="With this document."),
)
"""What each command of works takes; a work that never ended is dated by when it was written."""

NAMES = ("reason_class", "code", "since", "until", "document", "states")


def filtered(*states: State) -> Callable[[F], F]:
    """Give a command the options that choose works; `states` are those that may be named."""
    state = click.option(
        "--state", "states", multiple=True, type=click.Choice([one.value for one in states]), help="In this state."
    )

    def decorated(function: F) -> F:
        for option in reversed((*OPTIONS, state)):
            function = option(function)
        return function

    return decorated


def taken(parameters: dict[str, Any]) -> Selection:
    """What these options gave, of a command's parameters."""
    given = {name: value for name in NAMES if (value := parameters[name]) not in (None, ())}
    return cast(Selection, given)
