"""Posts in the database and in the index, and documents that somebody changed by hand."""

from __future__ import annotations

import json
from typing import Any

from scrypath_celery.operator.settings_apply import finish
from tests.shop import Post, Shop

HERE = ("--sync-mode", "inline")
"""The option by which commands that rebuild do it themselves."""


def filled(shop: Shop, *ids: int) -> str:
    """Posts in the database and in the index; the index."""
    shop.add(*(ids or (1, 2, 3)))
    assert not shop.search.drain().failed
    return index_of(shop)


def index_of(shop: Shop) -> str:
    """The engine's uid of the posts."""
    return shop.search.runtime.uid_of(shop.search.schemas.of(Post))


def write_by_hand(shop: Shop, documents: list[dict[str, Any]], *, delete: tuple[str, ...] = ()) -> None:
    """Change documents by hand."""
    engine, index = shop.search.runtime.engine, index_of(shop)
    uid = engine.add(index, json.dumps(documents).encode(), key="id", token="by hand")
    finish(shop.search.runtime, uid, index)
    if delete:
        finish(shop.search.runtime, engine.delete(index, delete, token="by hand"), index)
