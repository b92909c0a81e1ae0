"""Texts and ports on the command line. A text that is empty is refused: a variable of the shell is not set."""

from __future__ import annotations

from typing import Any

import click


class Given(click.types.StringParamType):
    """A text that is not blank."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text; click's error where it says nothing."""
        text = str(super().convert(value, param, ctx))
        if not text.strip():
            self.fail("it must not be empty.", param, ctx)
        return text


GIVEN = Given()

PORT = click.IntRange(0, 65_535)
"""A port; 0 takes any that is free."""


def parts_of(ctx: click.Context, param: click.Parameter, text: str | None) -> list[str] | None:
    """The parts of a text between its commas."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise click.BadParameter("there is nothing between two commas.", ctx, param)
    return parts
