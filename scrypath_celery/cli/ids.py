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


def one_work_id(ctx: click.Context, param: click.Parameter, texts: tuple[str, ...]) -> int | None:
    """The one id that was given; several are refused, since a command would take the last and leave out the others."""
    if len(texts) > 1:
        raise click.BadParameter("give it once; several works are chosen by a filter", ctx, param)
    return work_id(ctx, param, texts[0] if texts else None)
