"""What options may be, checked by pydantic; its import waits until options are first read."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Annotated, Any

from annotated_types import Gt, Le, MinLen
from pydantic import BeforeValidator, ConfigDict, TypeAdapter, ValidationError

from .errors import ConfigError
from .work import Mode

MAY_BE_EMPTY = frozenset({"index_prefix", "meilisearch_api_key"})
"""Texts that say something also where they are empty."""


def check(name: str, kind: Any, value: Any) -> Any:
    """The value of an option, of the option's type.

    Raises:
        ConfigError: it cannot be that; the message names the option, what it may be, and the kind of value given.
    """
    try:
        return _adapter(name, kind).validate_python(value)
    except ValidationError:
        raise ConfigError(f"option {name!r} must be {_wanted(name, kind)}, not {_shown(value)}") from None


@cache
def _adapter(name: str, kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(_checked(name, kind), config=ConfigDict(allow_inf_nan=False))


def _checked(name: str, kind: Any) -> Any:
    if name == "include":
        return Annotated[tuple[str, ...], BeforeValidator(_parted)]
    if name == "generations":
        return Annotated[tuple[Annotated[int, Gt(0), BeforeValidator(_no_truth)], ...], BeforeValidator(_parted)]
    if name == "sync_mode":
        return Mode
    if name == "backend":
        return Annotated[str, BeforeValidator(_only_backend)]
    if kind in (int, float):
        most = [Le(1)] if name.endswith("_share") else []
        return Annotated[(kind, Gt(0), *most, BeforeValidator(_no_truth))]
    if kind is bool:
        return bool
    return kind if name in MAY_BE_EMPTY else Annotated[kind, MinLen(1)]


def _wanted(name: str, kind: Any) -> str:
    special: Mapping[str, str] = {
        "include": "a list of module names",
        "generations": "a list of whole numbers above zero",
        "sync_mode": f"one of {', '.join(Mode)}",
        "backend": "'meilisearch'",
    }
    if name in special:
        return special[name]
    if kind is bool:
        return "true or false"
    if kind in (int, float):
        word = "a whole number" if kind is int else "a number"
        return f"{word} above zero" + (" and at most 1" if name.endswith("_share") else "")
    return "a string" if name in MAY_BE_EMPTY else "a string that is not empty"


def _shown(value: Any) -> str:
    """A number as it is; of all else the type alone, for it may be a secret in the wrong place."""
    kind = type(value).__name__
    if value == "":
        return "an empty one"
    if isinstance(value, bool):
        return kind
    with suppress(TypeError, ValueError):
        float(value)
        return f"{value!r} ({kind})"
    return kind


def _parted(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _only_backend(value: Any) -> Any:
    if value != "meilisearch":
        raise ValueError("another backend")
    return value


def _no_truth(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a truth is no number")  # noqa: TRY004 - of a TypeError pydantic makes no ValidationError
    return value
