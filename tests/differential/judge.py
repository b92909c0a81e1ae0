"""Whether two answers to one request say the same; documents that rank alike may come in any order."""

from __future__ import annotations

import json
import math
from itertools import groupby
from typing import Any

_IGNORED = {"processingTimeMs", "requestUid", "message", "link", "semanticHitCount"}
_DETAILS = "_rankingScoreDetails"


def differences(real: tuple[int, Any], other: tuple[int, Any]) -> list[str]:
    """Where the second answer differs from the first, a line each."""
    if real[0] != other[0]:
        return [f"status {other[0]} instead of {real[0]} {_short(real[1])} {_short(other[1])}"]
    return list(_compared(_tidied(real[1]), _tidied(other[1]), "$"))


def _tidied(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_tidied(one) for one in answer]
    if not isinstance(answer, dict):
        return answer
    tidy = {name: _tidied(one) for name, one in answer.items() if name not in _IGNORED}
    if isinstance(tidy.get("hits"), list):
        tidy["hits"] = _grouped(tidy["hits"])
    return tidy


def _grouped(hits: list[dict[str, Any]]) -> list[Any]:
    """The hits by how they rank; the last of them may be any of those that rank alike."""
    if not hits or _DETAILS not in hits[0]:
        return hits
    groups = [list(group) for _, group in groupby(hits, key=lambda hit: _rounded(hit[_DETAILS]))]
    return [sorted(group, key=lambda hit: json.dumps(hit, sort_keys=True)) for group in groups]


def _rounded(details: Any) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, float):
            return round(value, 9)
        return {name: plain(one) for name, one in value.items()} if isinstance(value, dict) else value

    return json.dumps(plain(details), sort_keys=True)


def _compared(real: Any, other: Any, place: str) -> Any:
    if isinstance(real, dict) and isinstance(other, dict):
        for name in sorted(real.keys() | other.keys()):
            if name not in other:
                yield f"{place}.{name} is missing: {_short(real[name])}"
            elif name not in real:
                yield f"{place}.{name} is there: {_short(other[name])}"
            else:
                yield from _compared(real[name], other[name], f"{place}.{name}")
    elif isinstance(real, list) and isinstance(other, list) and len(real) == len(other):
        for number, (one, two) in enumerate(zip(real, other, strict=True)):
            yield from _compared(one, two, f"{place}[{number}]")
    elif not _same(real, other):
        yield f"{place} is {_short(other)} instead of {_short(real)}"


def _same(real: Any, other: Any) -> bool:
    if isinstance(real, float) and isinstance(other, float):
        return math.isclose(real, other, rel_tol=1e-9)
    return real == other and isinstance(real, bool) == isinstance(other, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else f"{text[:297]}..."
