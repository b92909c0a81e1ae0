"""Reading metrics in the text format of Prometheus."""

from __future__ import annotations

import re

_LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*) (\S+)(?: \d+)?")


def read(text: str) -> dict[str, float]:
    """The values of the metrics that bear no label, by name; lines that say something else are left out."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line.strip())
        if match is None:
            continue
        try:
            found[match[1]] = float(match[2])
        except ValueError:
            continue
    return found
