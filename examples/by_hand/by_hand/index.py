"""The index, through Meilisearch's own client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import meilisearch

from . import config

SECONDS = 5
"""How long a request may take."""


def client() -> meilisearch.Client:
    """A client of its own for each task: it is not made to be shared between threads."""
    return meilisearch.Client(config.ENGINE, config.ENGINE_KEY, timeout=SECONDS)


def add(documents: Sequence[dict[str, Any]], index: str = config.INDEX) -> None:
    """Add documents, or replace those with the same ids."""
    client().index(index).add_documents(list(documents), "id")


def remove(id: int) -> None:
    """Remove a document."""
    client().index(config.INDEX).delete_document(id)
