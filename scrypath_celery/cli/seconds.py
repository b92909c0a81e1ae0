"""Spans of time on the command line."""

from __future__ import annotations

from typing import Any

import click

LONGEST = 1e9
"""The longest span that is taken, in seconds (some thirty years): what waits cannot wait for more, nor for ever."""


class Seconds(click.FloatRange):
    """A number of seconds from 0 on, or more than 0 with `min_open`; neither `nan` nor `inf`, which nothing reaches."""

    name = "seconds"

    def __init__(self, *, min_open: bool = False) -> None:
        super().__init__(min=0.0, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; click's error where it is none."""
        seconds: float = super().convert(value, param, ctx)
        if not seconds <= LONGEST:  # also true of nan
            self.fail(f"{str(value)[:50]!r} is not a number of seconds up to {LONGEST:.0f}.", param, ctx)
        return seconds
