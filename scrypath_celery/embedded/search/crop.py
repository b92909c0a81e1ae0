"""Cropping: the part of a text with the best matches, so many words long."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from .highlight import Found
from .tokens import Token


def bounds(text: str, tokens: Sequence[Token], found: Sequence[Found], size: int) -> tuple[int, int]:
    """Where the crop begins and ends in `text`: `size` words around the best matches, or from the beginning."""
    if not found:
        return _ends(text, tokens, *_grown(tokens, 0, 0, size))
    first, last = _best(found, size)
    words = last.words[1] - first.words[0] + 1
    if words <= size:
        return _ends(text, tokens, *_grown(tokens, first.first, last.last + 1, size - words))
    after = _shrunk(tokens, min(last.last + 1, len(tokens) - 1), words - size)
    return 0, tokens[after].start if after >= 0 else len(text)


def _ends(text: str, tokens: Sequence[Token], before: int, after: int) -> tuple[int, int]:
    return tokens[before - 1].end if before > 0 else 0, tokens[after].start if after < len(tokens) else len(text)


def _grown(tokens: Sequence[Token], before: int, after: int, left: int) -> tuple[int, int]:
    """Extend a window of tokens on both sides by `left` words; separators are taken on the side of the softer one."""
    while left > 0 and (before > 0 or after < len(tokens)):
        earlier = tokens[before - 1] if before > 0 else None
        later = tokens[after] if after < len(tokens) else None
        if earlier is None or later is None:
            token = earlier or later
            before, after = (before - 1, after) if later is None else (before, after + 1)
            left -= token is not None and token.is_word
        elif earlier.is_word:
            before, left = before - 1, left - 1
            if later.is_word and left > 0:
                after, left = after + 1, left - 1
        elif later.is_word:
            after, left = after + 1, left - 1
        elif earlier.kind == later.kind:
            before -= 1
            after += left > 1  # else the crop would end with a separator
        elif earlier.kind == "hard":
            after += 1
        else:
            before -= 1
    return before, after


def _shrunk(tokens: Sequence[Token], at: int, left: int) -> int:
    """Walk back over `left` words of a match that is longer than the crop; the token at which the crop ends."""
    while left > 0 and at >= 0:
        left -= tokens[at].is_word
        at -= 1
    return at


def _best(found: Sequence[Found], size: int) -> tuple[Found, Found]:
    """The stretch of matches within `size` words that stands for the most terms, closest together and in order."""
    best: tuple[Found, Found] | None = None
    best_score = (0, 0, 0)

    def offer(start: int, end: int) -> None:
        nonlocal best, best_score
        score = _score(found[start : end + 1])
        if best is None or score > best_score:
            best, best_score = (found[start], found[end]), score

    start = 0
    for end, match in enumerate(found):
        if match.words[1] - found[start].words[0] < size:
            continue
        if end:
            offer(start, end - 1)
        while start + 1 < len(found):
            start += 1
            if match.words[1] - found[start].words[0] < size:
                break
    last = found[-1]
    if start != len(found) - 1 or last.words[1] - last.words[0] + 1 < size:
        offer(start, len(found) - 1)
    return best or (found[0], found[0])


def _score(stretch: Sequence[Found]) -> tuple[int, int, int]:
    ids = [one for match in stretch for one in match.ids]
    far = 0
    ordered = 0
    for one, other in pairwise(stretch):
        far -= min(other.words[0] - one.words[1], 7)
        ordered += other.ids[0] > one.ids[0]
    for match in stretch:  # a phrase is as close and as ordered as can be
        inner = match.words[1] - match.words[0]
        far, ordered = far - inner, ordered + inner
    return len(set(ids)), far, ordered
