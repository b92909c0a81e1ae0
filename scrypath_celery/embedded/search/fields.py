"""The fields of a document: their leaves by dotted path, their values for filters, and which attributes name them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any


def leaves(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar of `document` with its dotted path; arrays add nothing to a path."""
    for name, value in document.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from leaves(value, f"{path}.")
        elif isinstance(value, list):
            yield from _items(value, path)
        else:
            yield path, value


def _items(values: list[Any], path: str) -> Iterator[tuple[str, Any]]:
    for value in values:
        if isinstance(value, dict):
            yield from leaves(value, f"{path}.")
        elif isinstance(value, list):
            yield from _items(value, path)
        else:
            yield path, value


def found(document: Any, path: str) -> Iterator[Any]:
    """What stands at `path` in `document`, once for every object that holds it (arrays are walked through)."""
    if isinstance(document, list):
        for one in document:
            yield from found(one, path)
    elif isinstance(document, dict):
        if path in document:
            yield document[path]
        for name, value in document.items():
            if path.startswith(f"{name}."):
                yield from found(value, path[len(name) + 1 :])


def nested_paths(document: dict[str, Any], prefix: str) -> Iterator[str]:
    """The dotted paths of all fields of an object, and of those inside them; `prefix` comes before each."""
    for name, value in document.items():
        path = f"{prefix}{name}"
        yield path
        yield from _inside(value, path)


def _inside(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from nested_paths(value, f"{path}.")
    elif isinstance(value, list):
        for one in value:
            yield from _inside(one, path)


def names(attribute: str, path: str) -> bool:
    """Whether `attribute` means the field at `path`: itself or something inside it."""
    return path == attribute or path.startswith(f"{attribute}.")


def fits(pattern: str, path: str) -> bool:
    """Whether an attribute pattern (`*` at its ends) means the field at `path`; what lies inside it needs a star."""
    if pattern == "*":
        return True
    head, tail = pattern.startswith("*"), pattern.endswith("*")
    if head and tail:
        return pattern[1:-1] in path
    if tail:
        return path.startswith(pattern[:-1])
    return path.endswith(pattern[1:]) if head else pattern == path


def text_of(value: Any) -> str | None:
    """A scalar as the text that is searched: numbers and booleans too, null not."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return None


def number_text(value: float) -> str:
    """A number as the engine writes it in texts: `5.0` stays `5.0`."""
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    mantissa, letter, exponent = text.partition("e")
    return f"{mantissa}e{exponent[0]}{exponent[1:].lstrip('0')}" if letter else text


def facet_text(value: float) -> str:
    """A number as the engine writes it as a facet value: `5` for 5.0, and never with an exponent."""
    text = format(Decimal(repr(float(value))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
