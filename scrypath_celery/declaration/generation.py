"""Generations: all indexes of an application in one engine. Those of the first are called as they are declared."""

from __future__ import annotations

import re

FIRST = 1

_MARKED = re.compile(r"(.+)-g([2-9]|[1-9][0-9]+)")


def name_in(name: str, generation: int) -> str:
    """What is called so in the first generation, in another one: an index (`posts`, `posts-g2`), a schema, a queue."""
    return name if generation == FIRST else f"{name}-g{generation}"


def generation_of(uid: str) -> int:
    """The generation that a uid (without prefix) is of."""
    found = _MARKED.fullmatch(uid)
    return FIRST if found is None else int(found[2])


def index_of(uid: str) -> str:
    """The declared index that a uid (without prefix) is of."""
    found = _MARKED.fullmatch(uid)
    return uid if found is None else found[1]
