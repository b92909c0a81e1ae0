"""Where the words of a query stand in a text: to highlight them, to crop around them, to tell their positions."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from .matching import Match
from .tokens import Token, Tokenizer


@dataclass(frozen=True, slots=True)
class Found:
    """A match in a text: its tokens from `first` to `last`, and how many characters of it count.

    `words` are the numbers of its first and last word in the text, `ids` the terms of the query that it stands for.
    """

    first: int
    last: int
    length: int
    words: tuple[int, int]
    ids: tuple[int, ...]


class Highlighter:
    """Finds what a query's terms stand for in any text."""

    def __init__(self, matches: Iterable[Match], tokenizer: Tokenizer, vocabulary: Container[str]) -> None:
        """`vocabulary` are the words of the index: what a prefix may begin."""
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        matches = list(matches)
        self._phrases = [(phrase, _ids(match)) for match in matches for phrase in match.phrases]
        # Whole words before prefixes, and what stands for several terms before what stands for one.
        ordered = sorted(matches, key=lambda match: (match.term.prefix, -match.term.size))
        self._words = {
            word: _ids(match) for match in reversed(ordered) if not match.term.prefix for word in match.words
        }
        self._prefixes = [
            (word, len(match.term.word), _ids(match)) for match in ordered if match.term.prefix for word in match.words
        ]
        self._beginnings = [(match.term.word, _ids(match)) for match in ordered if match.term.prefix]

    def tokens(self, text: str) -> list[Token]:
        """The pieces of a text."""
        return list(self._tokenizer.tokens(text))

    def find(self, tokens: Sequence[Token]) -> list[Found]:
        """The matches in a text, from left to right."""
        places = [place for place, token in enumerate(tokens) if token.is_word]
        found: list[Found] = []
        at = 0
        while at < len(places):
            match = self._phrase(tokens, places, at) or self._word(tokens[places[at]], places[at], at)
            if match is not None:
                found.append(match)
                at = match.words[1]
            at += 1
        return found

    def _phrase(self, tokens: Sequence[Token], places: Sequence[int], at: int) -> Found | None:
        for phrase, ids in self._phrases:
            span = places[at : at + len(phrase)]
            # What was a stop word in the query is found nowhere: texts are highlighted as if there were none.
            if len(span) == len(phrase) and all(
                tokens[place].lemma == word for place, word in zip(span, phrase, strict=True)
            ):
                length = tokens[span[-1]].end - tokens[span[0]].start
                return Found(span[0], span[-1], length, (at, at + len(phrase) - 1), ids)
        return None

    def _word(self, token: Token, place: int, at: int) -> Found | None:
        if token.lemma in self._words:
            return Found(place, place, token.end - token.start, (at, at), self._words[token.lemma])
        for word, length, ids in self._prefixes:
            if token.lemma.startswith(word):
                return Found(place, place, min(len(word), length, token.end - token.start), (at, at), ids)
        for word, ids in self._beginnings:
            if token.lemma.startswith(word) and self._begins(token.lemma, len(word)):
                return Found(place, place, min(len(word), token.end - token.start), (at, at), ids)
        return None

    def _begins(self, lemma: str, length: int) -> bool:
        """Whether a beginning of this word, at least so long, is a word of the index."""
        return any(lemma[:end] in self._vocabulary for end in range(length, len(lemma) + 1))


def _ids(match: Match) -> tuple[int, ...]:
    return tuple(range(match.term.number, match.term.number + match.term.size))


def marked(
    text: str, tokens: Sequence[Token], found: Iterable[Found], tags: tuple[str, str], bounds: tuple[int, int]
) -> str:
    """The part of a text between two bounds, with its matches between tags."""
    pieces, at = [], bounds[0]
    for match in found:
        start, end = tokens[match.first].start, tokens[match.last].end
        if end < bounds[0] or start > bounds[1]:  # what only touches the crop is marked, as nothing between two tags
            continue
        start, end = max(start, bounds[0]), min(end, bounds[1])
        stop = min(start + match.length, end)
        pieces += [text[at:start], tags[0], text[start:stop], tags[1], text[stop:end]]
        at = end
    return "".join([*pieces, text[at : bounds[1]]])
