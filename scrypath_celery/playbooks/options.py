"""The options that a playbook may give: which, where, and what they hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..searching.query.per_query import RULES
from .playbook import Fault

SEARCH = ("facets", "facet_filter", "filter", "sort", "page", "per_query")
"""Options of one search."""

SHARED = (
    "federation_limit",
    "federation_offset",
    "federation_timeout",
    "hydration_timeout",
    "max_schemas",
    "global_schemas",
)
"""Options of several searches together."""

MAX_PAGE_SIZE = 50
MAX_SCHEMAS = 10

IsSecret = Callable[[Any], bool]


def entry_faults(opts: Mapping[str, Any], place: str, allowed: Sequence[str], is_secret: IsSecret) -> Iterator[Fault]:
    """What is wrong with the options of one search."""
    for key, value in opts.items():
        at = f"{place}.{key}"
        if key not in allowed:
            if not is_secret(key):
                yield Fault(place=at, reason=f"unknown option; there are {', '.join(allowed)}")
        elif key == "per_query":
            yield from _per_query(value, at, is_secret)
        elif key == "page":
            yield from _page(value, at)
        else:
            reason = RULES_BY_NAME[key](value)
            if reason:
                yield Fault(place=at, reason=reason)


def shared_faults(opts: Mapping[str, Any], place: str, is_secret: IsSecret) -> Iterator[Fault]:
    """What is wrong with the options that several searches share."""
    yield from entry_faults(opts, place, (*SEARCH, *SHARED), is_secret)


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number (True is none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number (True is none)."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _page(value: Any, place: str) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield Fault(place=place, reason="must be an object of number and size")
        return
    for key, item in value.items():
        if key not in ("number", "size"):
            yield Fault(place=f"{place}.{key}", reason="unknown key of a page; it has number and size")
        elif not is_whole(item) or item < 1:
            yield Fault(place=f"{place}.{key}", reason="must be a whole number from 1 on")
        elif key == "size" and item > MAX_PAGE_SIZE:
            yield Fault(place=f"{place}.size", reason=f"must be at most {MAX_PAGE_SIZE}")


def _per_query(value: Any, place: str, is_secret: IsSecret) -> Iterator[Fault]:
    if not isinstance(value, Mapping):
        yield Fault(place=place, reason="must be an object")
        return
    for key, item in value.items():
        rule = RULES.get(key)
        if rule is None:
            if not is_secret(key):
                yield Fault(place=f"{place}.{key}", reason=f"unknown key; per_query has {', '.join(RULES)}")
            continue
        try:
            rule(item)
        except (TypeError, ValueError) as exc:
            yield Fault(place=f"{place}.{key}", reason=f"must be {exc}")


def _facets(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(one, str) or _is_hierarchy(one) for one in value):
        return None
    return "must be a list of fields, or of objects of base and depth"


def _is_hierarchy(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and set(value) <= {"base", "depth"}
        and isinstance(value.get("base"), str)
        and is_whole(value.get("depth", 2))
        and value.get("depth", 2) >= 1
    )


def _facet_filter(value: Any) -> str | None:
    return None if isinstance(value, Mapping) else "must be an object of fields and values"


def _filter(value: Any) -> str | None:
    return None if isinstance(value, Mapping | list | str) else "must be an object, a list or text"


def _sort(value: Any) -> str | None:
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        return None
    return "must be a field or a list of fields"


def _weight(value: Any) -> str | None:
    return None if is_number(value) and value >= 0 else "must be a finite number from 0 on"


def _whole(least: int, most: int) -> Callable[[Any], str | None]:
    def rule(value: Any) -> str | None:
        return None if is_whole(value) and least <= value <= most else f"must be a whole number from {least} to {most}"

    return rule


def _seconds(value: Any) -> str | None:
    return None if is_number(value) and value > 0 else "must be a number of seconds above 0"


def _names(value: Any) -> str | None:
    if isinstance(value, list) and value and all(isinstance(one, str) and one for one in value):
        return None
    return "must be a list of at least one name of a schema"


RULES_BY_NAME: Mapping[str, Callable[[Any], str | None]] = {
    "facets": _facets,
    "facet_filter": _facet_filter,
    "filter": _filter,
    "sort": _sort,
    "federation_weight": _weight,
    "federation_limit": _whole(1, 1_000),
    "federation_offset": _whole(0, 1_000_000),
    "federation_timeout": _seconds,
    "hydration_timeout": _seconds,
    "max_schemas": _whole(1, MAX_SCHEMAS),
    "global_schemas": _names,
}
"""For each option, why a value is none of it; None where it is one."""
