"""Which right a key needs for a request, as Meilisearch names them, so that a refusal can say what is missing."""

from __future__ import annotations

import re

_RIGHTS = (
    (r"(get|post) indexes/[^/]+/documents/fetch", "documents.get"),
    (r"post indexes/[^/]+/documents/delete-batch", "documents.delete"),
    (r"post indexes/[^/]+/documents", "documents.add"),
    (r"(get|post) indexes/[^/]+/search", "search"),
    (r"post (indexes/[^/]+/facet-search|multi-search)", "search"),
    (r"get keys", "keys.get"),
    (r"get indexes/[^/]+/settings", "settings.get"),
    (r"\w+ indexes/[^/]+/settings", "settings.update"),
    (r"get indexes/[^/]+/stats", "stats.get"),
    (r"post indexes", "indexes.create"),
    (r"get indexes(/[^/]+)?", "indexes.get"),
    (r"patch indexes/[^/]+", "indexes.update"),
    (r"delete indexes/[^/]+", "indexes.delete"),
    (r"post swap-indexes", "indexes.swap"),
    (r"get (tasks|batches)(/.*)?", "tasks.get"),
    (r"get version", "version"),
)


def needed(method: str, path: str) -> str | None:
    """The right that a request needs; None where it is not known."""
    asked = f"{method} {path.partition('?')[0]}"
    return next((right for pattern, right in _RIGHTS if re.fullmatch(pattern, asked)), None)
