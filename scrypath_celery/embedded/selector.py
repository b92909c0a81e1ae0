"""Which fields of a document an answer shows: names with dots lead into objects, and through arrays of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def picked(document: dict[str, Any], paths: Sequence[str], *, whole: bool = True) -> dict[str, Any]:
    """The parts of a document that paths name; a dot leads into objects, and through arrays of them.

    What is left of an object stays even if that is nothing; in an array only so if it is to stay `whole`.
    """
    wanted = set(paths)
    kept: dict[str, Any] = {}
    for name, value in document.items():
        if name in wanted and "." not in name:
            kept[name] = value
            continue
        inner = [path[len(name) + 1 :] for path in paths if path.startswith(f"{name}.")]
        if not inner:
            if name in wanted:
                kept[name] = value
        elif isinstance(value, dict):
            kept[name] = picked(value, inner, whole=whole)
        elif isinstance(value, list):
            kept[name] = _picked(value, inner, whole=whole)
    return kept


def _picked(values: list[Any], paths: Sequence[str], whole: bool) -> list[Any]:
    kept: list[Any] = []
    for value in values:
        if isinstance(value, list):
            kept.append(_picked(value, paths, whole))
        elif isinstance(value, dict):
            part = picked(value, paths, whole=whole)
            if part or whole:
                kept.append(part)
    return kept
