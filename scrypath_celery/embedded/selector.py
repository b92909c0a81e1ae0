"""Which fields of a document an answer shows: names with dots lead into objects, and through arrays of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def selected(document: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The parts of `document` that `paths` name, in the document's own order."""
    wanted = list(paths)
    out = {}
    for name, value in document.items():
        if name in wanted:
            out[name] = value
            continue
        inner = [path[len(name) + 1 :] for path in wanted if path.startswith(f"{name}.")]
        if inner and (part := _inside(value, inner)) is not None:
            out[name] = part
    return out


def _inside(value: Any, paths: list[str]) -> Any:
    if isinstance(value, dict):
        return selected(value, paths) or None
    if isinstance(value, list):
        parts = [part for one in value if (part := _inside(one, paths)) is not None]
        return parts or None
    return None
