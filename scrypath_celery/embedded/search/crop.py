"""Cropping: the part of a text with the best matches, so many words long."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from scrypath_celery.embedded.search.highlight import Found
from scrypath_celery.embedded.search.tokens import Token


def bounds(text: str, tokens: Sequence[Token], found: Sequence[Found], size: int) -> tuple[int, int]:
    """Where the crop begins and ends in `text`: `size` words around the best matches, or from the beginning."""
    if not found:
        before, after, left = 0, 0, size
    else:
        first, last = _best(found, size)
        words = last.words[1] - first.words[0] + 1
        before, after, left = first.first, last.last + 1, size - words
        if left < 0:
            return _shortened(tokens, first.first, size)
    before, after = _grown(tokens, before, after, left)
    start = tokens[before - 1].end if before > 0 else 0
    end = tokens[after].start if after < len(tokens) else len(text)
    return start, end


def _grown(tokens: Sequence[Token], before: int, after: int, left: int) -> tuple[int, int]:
    """Extend a window of tokens on both sides by `left` words; separators are taken on the side of the softer one."""
    while left > 0 and (before > 0 or after < len(tokens)):
        earlier = tokens[before - 1] if before > 0 else None
        later = tokens[after] if after < len(tokens) else None
        if earlier is None or later is None:
            token = earlier or later
            before, after = (before - 1, after) if later is None else (before, after + 1)
            left -= token is not None and token.is_word
        elif earlier.is_word or later.is_word:
            if earlier.is_word:
                before, left = before - 1, left - 1
            if later.is_word and left > 0:
                after, left = after + 1, left - 1
        elif earlier.kind == later.kind:
            before -= 1
            after += left > 1  # else the crop would end with a separator
        elif earlier.kind == "hard":
            after += 1
        else:
            before -= 1
    return before, after


def _shortened(tokens: Sequence[Token], first: int, size: int) -> tuple[int, int]:
    """A match that is longer than the crop: its first words."""
    words = [place for place in range(first, len(tokens)) if tokens[place].is_word][:size]
    return tokens[first].start, tokens[words[-1]].end


def _best(found: Sequence[Found], size: int) -> tuple[Found, Found]:
    """The stretch of matches within `size` words that stands for the most terms, closest together and in order."""
    best, best_score = (found[0], found[0]), (0, -(10**9), 0)
    for start in range(len(found)):
        for end in range(start, len(found)):
            if found[end].words[1] - found[start].words[0] >= size and end > start:
                break
            score = _score(found[start : end + 1])
            if score > best_score:
                best, best_score = (found[start], found[end]), score
    return best


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
