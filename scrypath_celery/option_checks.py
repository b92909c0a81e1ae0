"""What options may be, checked by pydantic; its import waits until options are first read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated, Any
from urllib.parse import urlsplit

from annotated_types import Ge, Gt, Le
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Strict, TypeAdapter, ValidationError

from .errors import ConfigError
from .work import Mode

SHORTEST, LONGEST = 0.001, 1_000_000
"""The limits (seconds) of what is waited for: sockets and event loops take no longer waits (24 days)."""
KEPT = frozenset({"keep_succeeded", "keep_cancelled", "watch_seconds", "rebuild_expires"})
"""Times that nobody waits for, but that something is kept: up to some thirty years."""
MOST = 1_000_000_000
MOST_OF = {"payload_bytes": MOST, "bulk_bytes": 1_000 * MOST, "rebuild_ranges": 1_000}
"""The most of what is counted, where it is not `MOST`."""
SECRET = frozenset({"meilisearch_url", "meilisearch_api_key"})
"""Options of whose values nothing is shown."""

TEXT = r"[^\s\x00-\x1f](?:[^\x00-\x1f]*[^\s\x00-\x1f])?"
MODULE = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
QUEUE = (rf"(?=.{{1,200}}\Z){TEXT}", "a string of 1 to 200 characters in one line, without spaces around it")
TEXTS: dict[str, tuple[str, str]] = {
    "index_prefix": (r"[A-Za-z0-9_-]{0,100}", "a string of at most 100 letters, digits, '-' and '_'"),
    "meilisearch_url": (TEXT, "an http or https URL with a host, such as 'http://127.0.0.1:7700'"),
    "meilisearch_api_key": (r"[!-~]*", "a string of printable ASCII characters without spaces"),
    "queue": QUEUE,
    "bulk_queue": QUEUE,
    "backend": ("meilisearch", "'meilisearch'"),
}
"""What a text must match, and the same in words."""
OTHER_TEXT = (TEXT, "a string that is not empty, in one line, without spaces around it")


def check(name: str, kind: Any, value: Any) -> Any:
    """The value of an option, of the option's type.

    Raises:
        ConfigError: it cannot be that; the message names the option, what it may be, and the kind of value given.
    """
    try:
        return _adapter(name, kind).validate_python(value)
    except ValidationError:
        raise ConfigError(f"option {name!r} must be {wanted(name, kind)}, not {_shown(name, kind, value)}") from None


def wanted(name: str, kind: Any) -> str:
    """What an option may be, in words."""
    special = {
        "include": "a list of module names",
        "generations": f"a list of whole numbers from 1 to {MOST:,}",
        "sync_mode": f"one of {', '.join(Mode)}",
    }
    if name in special:
        return special[name]
    if kind is bool:
        return "true or false"
    if kind is int:
        return f"a whole number from 1 to {_most(name, kind):,}"
    if kind is float:
        if name.endswith("_share"):
            return "a number above 0 and at most 1"
        return f"a number of seconds from {SHORTEST} to {_most(name, kind):,}"
    return TEXTS.get(name, OTHER_TEXT)[1]


def is_text(name: str, kind: Any) -> bool:
    """Whether an option is a text that its users think of."""
    return name in TEXTS or (kind is str and name != "sync_mode")


@cache
def _adapter(name: str, kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(_checked(name, kind), config=ConfigDict(allow_inf_nan=False))


def _checked(name: str, kind: Any) -> Any:
    number, text = BeforeValidator(_only(int, float, str)), Strict()
    if name == "include":
        return Annotated[tuple[Annotated[str, text, _matching(MODULE)], ...], BeforeValidator(_parted)]
    if name == "generations":
        return Annotated[tuple[Annotated[int, Ge(1), Le(MOST), number], ...], BeforeValidator(_parted)]
    if name == "sync_mode":
        return Annotated[Mode, BeforeValidator(_only(str))]
    if kind is bool:
        return Annotated[bool, BeforeValidator(_only(bool, str))]
    if kind is int:
        return Annotated[int, Ge(1), Le(_most(name, kind)), number]
    if kind is float:
        limits = (Gt(0), Le(1)) if name.endswith("_share") else (Ge(SHORTEST), Le(_most(name, kind)))
        return Annotated[(float, *limits, number)]
    more = [AfterValidator(_url)] if name == "meilisearch_url" else []
    return Annotated[(str, text, _matching(TEXTS.get(name, OTHER_TEXT)[0]), *more)]


def _most(name: str, kind: type) -> int:
    if kind is int:
        return MOST_OF.get(name, MOST)
    return MOST if name in KEPT else LONGEST


def _shown(name: str, kind: Any, value: Any) -> str:
    """A number as it is; of all else the type alone, for it may be a secret in the wrong place."""
    given = type(value).__name__
    if isinstance(value, str) and not value.strip():
        return "an empty one"
    if isinstance(value, str) and is_text(name, kind):
        return "another string"
    if name in SECRET or isinstance(value, bool):
        return given
    with suppress(TypeError, ValueError, OverflowError):
        float(value)
        text = repr(value)
        return f"{text if len(text) <= 30 else text[:30] + '...'} ({given})"
    return given


def _parted(value: Any) -> Any:
    """The parts of a text between its commas; none of an empty one."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value.strip() else []
    if isinstance(value, bytes | bytearray) or not isinstance(value, Sequence):
        raise ValueError("another kind")  # noqa: TRY004 - see `_only`
    return list(value)


def _only(*kinds: type) -> Callable[[Any], Any]:
    """Let pass what is of these kinds; a truth is no number, and bytes are no text."""

    def passed(value: Any) -> Any:
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise ValueError("another kind")
        return value

    return passed


def _matching(pattern: str) -> AfterValidator:
    def matched(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError("another text")
        return value

    return AfterValidator(matched)


def _url(value: str) -> str:
    parts = urlsplit(value)  # of a wrong host or port it raises a ValueError
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or " " in value:
        raise ValueError("another URL")
    return value
