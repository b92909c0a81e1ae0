"""Query parameters as the engine reads them: texts that are to be numbers, flags, lists or dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from . import clock
from .identity import is_uid
from .refusal import Refusal
from .selection import Selection
from .task import KINDS, STATUSES

_T = TypeVar("_T")
U32 = 2**32 - 1
DATES = tuple(f"{side}{what}At" for side in ("before", "after") for what in ("Enqueued", "Started", "Finished"))
FILTERS = ("uids", "batchUids", "canceledBy", "types", "statuses", "indexUids", *DATES)
PAGING = ("limit", "from", "reverse")


def number(query: Mapping[str, str], name: str, default: int, code: str, most: int = 2**64 - 1) -> int:
    """A number from 0 to `most`."""
    text = query.get(name)
    if text is None:
        return default
    found = _number(text)
    if found is None or found > most:
        raise Refusal(code, f"Invalid value in parameter `{name}`: could not parse `{text}` as a positive integer")
    return found


def flag(query: Mapping[str, str], name: str, code: str, *, default: bool = False) -> bool:
    """`true` or `false`."""
    text = query.get(name)
    if text is None:
        return default
    if text not in ("true", "false"):
        raise Refusal(
            code,
            f"Invalid value in parameter `{name}`: could not parse `{text}` as a boolean, expected `true` or `false`",
        )
    return text == "true"


def listed(
    query: Mapping[str, str], name: str, code: str, read: Callable[[str], _T | None], what: str, *, star: bool = True
) -> list[_T] | None:
    """A list with commas, each element read by `read` (None means that it cannot be); None for none or with a `*`."""
    text = query.get(name)
    if text is None:
        return None
    words = text.split(",")
    found = []
    for place, word in enumerate(words):
        if star and word == "*":
            continue
        one = read(word)
        if one is None:
            where = f"[{place}]" if "," in text else ""
            raise Refusal(code, f"Invalid value in parameter `{name}{where}`: `{word}` is not {what}")
        found.append(one)
    return None if star and "*" in words else found


def uids(query: Mapping[str, str], name: str, code: str) -> list[int] | None:
    """A list of task or batch uids."""
    return listed(query, name, code, lambda word: _number(word, U32), "a uid")


def selection(query: Mapping[str, str]) -> Selection:
    """The tasks that a list, a cancelation or a deletion names; Refusal `invalid_task_...`."""
    kinds = {kind.lower(): kind for kind in KINDS}
    statuses = {status: status for status in STATUSES}
    return Selection(
        uids=uids(query, "uids", "invalid_task_uids"),
        batches=uids(query, "batchUids", "invalid_batch_uids"),
        canceled_by=uids(query, "canceledBy", "invalid_task_canceled_by"),
        kinds=listed(query, "types", "invalid_task_types", lambda word: kinds.get(word.lower()), "a type of task"),
        statuses=listed(
            query, "statuses", "invalid_task_statuses", lambda word: statuses.get(word.lower()), "a status of tasks"
        ),
        indexes=listed(
            query, "indexUids", "invalid_index_uid", lambda word: word if is_uid(word) else None, "a valid index uid"
        ),
        dates={name: date for name in DATES if (date := _date(query, name)) is not None},
        limit=number(query, "limit", 20, "invalid_task_limit", U32),
        start=number(query, "from", 0, "invalid_task_from", U32) if "from" in query else None,
        reverse=flag(query, "reverse", "invalid_task_reverse"),
    )


def _date(query: Mapping[str, str], name: str) -> str | None:
    text = query.get(name)
    if text is None or text == "*":
        return None
    try:
        return clock.bound(text.strip(), after=name.startswith("after"))
    except (ValueError, OverflowError):
        words = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
        raise Refusal(
            f"invalid_task_{words}",
            f"Invalid value in parameter `{name}`: `{text}` is an invalid date-time. It should follow the YYYY-MM-DD or"
            " RFC 3339 date-time format.",
        ) from None


def _number(text: str, most: int = 2**64 - 1) -> int | None:
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        return None
    found = int(digits)
    return found if found <= most else None
