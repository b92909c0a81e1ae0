"""Filling the index anew without downtime: into an index beside it, and then a swap."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from . import config, index
from .database import Session
from .models import Item

WAIT = 600_000
"""How long the engine may take for what it was sent, in milliseconds."""


def pages() -> Iterator[list[dict[str, Any]]]:
    """All documents, a page at a time, in the order of their ids."""
    last = -1
    while True:
        with Session() as session:
            query = select(Item).where(Item.id > last).order_by(Item.id).limit(config.PAGE)
            documents = [item.document() for item in session.scalars(query)]
        if not documents:
            return
        last = documents[-1]["id"]
        yield documents


def rebuild() -> None:
    """Build an index beside the live one, swap them, and drop the old content."""
    client, beside = index.client(), f"{config.INDEX}_new"
    client.wait_for_task(client.delete_index(beside).task_uid, timeout_in_ms=WAIT)
    client.wait_for_task(client.create_index(beside, {"primaryKey": "id"}).task_uid, timeout_in_ms=WAIT)
    for documents in pages():
        index.add(documents, beside)
    done = client.swap_indexes([{"indexes": [config.INDEX, beside]}])
    client.wait_for_task(done.task_uid, timeout_in_ms=WAIT)
    client.delete_index(beside)
