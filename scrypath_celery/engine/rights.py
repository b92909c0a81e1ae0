"""Which right a key needs for a request, as Meilisearch names them, so that a refusal can say what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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

_STRANGE = "scrypathCheck"
"""A name that no route takes: a request with it is refused, once the key was found to have the right."""

QUESTIONS: Mapping[str, tuple[str, str, Any]] = {
    "documents.add": ("post", f"indexes/{{index}}/documents?{_STRANGE}=1", b"["),
    "documents.delete": ("post", f"indexes/{{index}}/documents/delete-batch?{_STRANGE}=1", {_STRANGE: 1}),
    "documents.get": ("post", "indexes/{index}/documents/fetch", {_STRANGE: 1}),
    "indexes.create": ("post", "indexes", {_STRANGE: 1}),
    "indexes.get": ("get", "indexes/{index}", None),
    "indexes.update": ("patch", "indexes/{index}", {_STRANGE: 1}),
    "indexes.delete": ("delete", "indexes/{index}%21", None),
    "indexes.swap": ("post", "swap-indexes", [{_STRANGE: 1}]),
    "search": ("post", "indexes/{index}/search", {_STRANGE: 1}),
    "settings.get": ("get", "indexes/{index}/settings", None),
    "settings.update": ("patch", "indexes/{index}/settings", {_STRANGE: 1}),
    "stats.get": ("get", "indexes/{index}/stats", None),
    "tasks.get": ("get", "tasks?limit=1", None),
}
"""Requests by which it shows whether a key has each right that is needed: none of them changes anything.

Meilisearch looks at the key first, then at parameters, names and body. No index can have a name with an exclamation
mark.
"""


def needed(method: str, path: str) -> str | None:
    """The right that a request needs; None where it is not known."""
    asked = f"{method} {path.partition('?')[0]}"
    return next((right for pattern, right in _RIGHTS if re.fullmatch(pattern, asked)), None)
