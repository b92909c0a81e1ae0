"""Generations: all indexes of an application in one engine. Those of the first are called as they are declared."""

from __future__ import annotations

import re

FIRST = 1

_MARKED = re.compile(r"(.+)-g([2-9]|[1-9][0-9]+)")


def uid_in(index: str, generation: int) -> str:
    """The uid (without prefix) of a declared index in a generation: `posts`, `posts-g2`."""
    return index if generation == FIRST else f"{index}-g{generation}"


def generation_of(uid: str) -> int:
    """The generation that a uid (without prefix) is of."""
    found = _MARKED.fullmatch(uid)
    return FIRST if found is None else int(found[2])


def index_of(uid: str) -> str:
    """The declared index that a uid (without prefix) is of."""
    found = _MARKED.fullmatch(uid)
    return uid if found is None else found[1]
