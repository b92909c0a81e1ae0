"""Checks of JSON values with the engine's wording; each takes the value and the place it was found at."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from .refusal import Refusal

Check = Callable[[Any, str, str], Any]
"""A check: `(value, place, code)` to the value to go on with, or Refusal with that code."""

MAX = 2**64 - 1


def kind_of(value: Any) -> str:
    """What a JSON value is, as messages call it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int):
        return "a positive integer" if value >= 0 else "a negative integer"
    if isinstance(value, float):
        return "a float"
    if isinstance(value, str):
        return "a string"
    return "an array" if isinstance(value, list) else "an object"


def wrong(value: Any, place: str, code: str, wanted: str) -> Refusal:
    """The refusal of a value of the wrong type."""
    found = "null" if value is None else f"{kind_of(value)}: `{json.dumps(value, ensure_ascii=False)}`"
    return Refusal(code, f"Invalid value type at `{place}`: expected {wanted}, but found {found}")


def unknown(name: str, known: tuple[str, ...] | list[str], code: str = "bad_request", place: str = "") -> Refusal:
    """The refusal of a field that the object does not have."""
    where = f" inside `{place}`" if place else ""
    listed = ", ".join(f"`{one}`" for one in known)
    return Refusal(code, f"Unknown field `{name}`{where}: expected one of {listed}")


def object_of(body: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """The body of a request, an object with known fields; Refusal `bad_request`."""
    if not isinstance(body, dict):
        raise wrong(body, "", "bad_request", "an object")
    for name in body:
        if name not in known:
            raise unknown(name, known)
    return body


def text(value: Any, place: str, code: str) -> str:
    """A string."""
    if not isinstance(value, str):
        raise wrong(value, place, code, "a string")
    return value


def boolean(value: Any, place: str, code: str) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise wrong(value, place, code, "a boolean")
    return value


def natural(value: Any, place: str, code: str) -> int:
    """An integer from 0 to 2**64 - 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(value, place, code, "a positive integer")
    if not 0 <= value <= MAX:
        raise Refusal(code, f"Invalid value at `{place}`: could not parse `{value}` as a positive integer")
    return value


def small(value: Any, place: str, code: str) -> int:
    """An integer from 0 to 255."""
    if natural(value, place, code) > 255:
        raise Refusal(code, f"Invalid value at `{place}`: value: `{value}` is too large: expected at most `255`")
    return int(value)


def one_of(*words: str) -> Check:
    """One of some words."""

    def check(value: Any, place: str, code: str) -> str:
        if text(value, place, code) not in words:
            listed = ", ".join(f"`{word}`" for word in words)
            raise Refusal(code, f"Unknown value `{value}` at `{place}`: expected one of {listed}")
        return str(value)

    return check


def many(item: Check) -> Check:
    """An array whose elements pass `item`."""

    def check(value: Any, place: str, code: str) -> list[Any]:
        if not isinstance(value, list):
            raise wrong(value, place, code, "an array")
        return [item(one, f"{place}[{number}]", code) for number, one in enumerate(value)]

    return check


def words(value: Any, place: str, code: str) -> list[str]:
    """An array of strings as a sorted set."""
    return sorted(set(many(text)(value, place, code)))


def mapping(item: Check) -> Check:
    """An object with any keys, whose values pass `item`."""

    def check(value: Any, place: str, code: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong(value, place, code, "an object")
        return {key: item(one, f"{place}.{key}", code) for key, one in value.items()}

    return check


def optional(item: Check) -> Check:
    """Null, or what passes `item`."""

    def check(value: Any, place: str, code: str) -> Any:
        return None if value is None else item(value, place, code)

    return check


def record(fields: Mapping[str, Check], *required: str) -> Check:
    """An object with known fields, each with its check; those that are absent stay absent."""

    def check(value: Any, place: str, code: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong(value, place, code, "an object")
        for name in value:
            if name not in fields:
                raise unknown(name, list(fields), code, place)
        for name in required:
            if name not in value:
                raise Refusal(code, f"Missing field `{name}` inside `{place}`")
        return {name: fields[name](one, f"{place}.{name}", code) for name, one in value.items()}

    return check
