"""The engine's own filter language, looked at just enough that a text stays one condition among others."""

from __future__ import annotations

import re

from ...errors import QueryError

_PIECE = re.compile(
    r"""\s+ | "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | [()\[\]] | , | [<>]=? | != | = | [^\s"'()\[\],<>=!]+ """,
    re.VERBOSE | re.DOTALL,
)
_CLOSING = {")": "(", "]": "["}


def raw_expression(text: str) -> str:
    """An expression of the engine's language that cannot reach beyond the parentheses put around it.

    Raises:
        QueryError: it is empty, a quote or a bracket is left open, or it closes one that it did not open.
    """
    if not text.strip():
        raise QueryError("a filter in the engine's language cannot be empty: leave it out")
    at, opened, last = 0, list[str](), ""
    while at < len(text):
        found = _PIECE.match(text, at)
        if found is None:
            raise QueryError(f"the filter cannot be read from character {at + 1} on: {text[at : at + 40]!r}")
        piece, at = found.group(), found.end()
        if piece.isspace():
            continue
        if last and _glued(text, found.start(), piece):
            raise QueryError(f"the filter has a quote within a word at character {found.start() + 1}")
        last = piece
        if piece in "([":
            opened.append(piece)
        elif piece in _CLOSING and (not opened or opened.pop() != _CLOSING[piece]):
            raise QueryError(f"the filter closes a bracket that it did not open, at character {at}")
    if opened:
        raise QueryError("the filter leaves a bracket open")
    return text


def _glued(text: str, start: int, piece: str) -> bool:
    """Whether a quoted text begins right after a word, or a word right after a quoted text."""
    before = text[start - 1]
    if piece[0] in "\"'":
        return before.isalnum() or before in "_-.\"'"
    return before in "\"'" and (piece[0].isalnum() or piece[0] in "_-.")
