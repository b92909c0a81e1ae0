"""Ids of works on the command line."""

from __future__ import annotations

import click


def work_id(ctx: click.Context, param: click.Parameter, text: str | None) -> int | None:
    """The id of a work, as `failed` and `work list` show it; one that no work can have is looked for like any other."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise click.BadParameter(f"{text[:50]!r} is not the id of a work", ctx, param)
    return int(text[:40])
