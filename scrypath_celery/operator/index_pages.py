"""Pages of the ids that an index holds, none left out by deletions that happen meanwhile."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..declaration.schema import Schema
from ..runtime import Runtime
from ..work import MAX_IDS

PART = 20
"""How many documents beside each other a sample takes."""


def index_pages(runtime: Runtime, schema: Schema, index: str, size: int = MAX_IDS) -> Iterator[list[str]]:
    """Pages of the ids of all documents; some ids may come twice.

    The engine pages by offset, and a deletion moves all that follow it to the front. So each page begins with the
    last id of the one before; where it does not, the reading goes back by a page.
    """
    offset, last = 0, None
    while True:
        before = 0 if last is None else 1
        page = runtime.engine.id_page(index, schema.key, offset=offset - before, limit=size + before)
        if before and page[:1] != [last] and offset > before:
            offset = max(offset - size, 0)
            last = None
            continue
        fresh = page[before:]
        if not fresh:
            return
        yield fresh
        offset += len(fresh)
        last = fresh[-1]


def sampled_pages(runtime: Runtime, schema: Schema, index: str, sample: int) -> Iterator[list[str]]:
    """Ids of about `sample` documents, in small runs at random places."""
    stats = runtime.engine.stats(index) or {}
    held = int(stats.get("numberOfDocuments") or 0)
    if held <= sample:
        yield from index_pages(runtime, schema, index)
        return
    starts = range(0, held, PART)
    for at in sorted(random.sample(starts, min(len(starts), -(-sample // PART)))):
        yield runtime.engine.id_page(index, schema.key, offset=at, limit=PART)
