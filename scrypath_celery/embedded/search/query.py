"""What was typed into the search: words, phrases, and words that must not occur."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

from .tokens import Token, Tokenizer

# The engine looks at ten words of a query.
_MOST_WORDS = 10
_MOST_TOKENS = 1_000
_HARD_STEP = 7


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for: a word, several glued to one (`parts` has them), or a phrase (None is a stop word).

    `position` is its place in the query, `number` its place among the terms, `size` how many of them it stands for.
    """

    words: tuple[str | None, ...]
    position: int
    number: int
    phrase: bool = False
    prefix: bool = False
    parts: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many terms of the query this stands for."""
        return len(self.parts) or 1

    @property
    def glued(self) -> int:
        """How many words were glued together for this; 0 for a word as it was written."""
        return len(self.parts)

    @property
    def extent(self) -> int:
        """How many places of the query it takes; stop words that a phrase begins with take none."""
        return max(len(self.words) - next((at for at, word in enumerate(self.words) if word is not None), 0), self.size)

    @property
    def end(self) -> int:
        """The place of its last word in the query."""
        return self.position + self.extent - 1

    @property
    def word(self) -> str:
        """The single word of a term that is no phrase."""
        word = self.words[0]
        assert word is not None
        return word


@dataclass(frozen=True, slots=True)
class Query:
    """The terms of a query in order, and the words and phrases that must not occur."""

    terms: tuple[Term, ...]
    without: tuple[tuple[str | None, ...], ...]


def understand(text: str, tokenizer: Tokenizer, settings: dict[str, Any]) -> Query:
    """Read a query as the engine does: quotes hold phrases, `-` before a word or phrase excludes it."""
    reader = _Reader(settings["prefixSearch"] != "disabled")
    tokens = list(islice(tokenizer.tokens(text), _MOST_TOKENS))
    for token in tokens:
        if len(reader.terms) >= _MOST_WORDS:
            return Query(tuple(reader.terms), tuple(reader.without))
        if token.is_word:
            reader.word(token, last=token is tokens[-1])
        else:
            reader.separator(token)
        reader.after_space = token.lemma[-1].isspace()
    reader.close()
    return Query(tuple(reader.terms), tuple(reader.without))


class _Reader:
    def __init__(self, prefix: bool) -> None:
        self.terms: list[Term] = []
        self.without: list[tuple[str | None, ...]] = []
        self.after_space = True
        self._prefix = prefix
        self._position = -1
        self._phrase: list[str | None] | None = None
        self._phrase_start = 0
        self._phrase_excludes = False
        self._excludes_next = False

    def word(self, token: Token, *, last: bool) -> None:
        self._position += 1
        if self._phrase is not None:
            if not any(self._phrase):
                self._phrase_start = self._position
            self._phrase.append(None if token.kind == "stop" else token.lemma)
        elif self._excludes_next:
            self.without.append((token.lemma,))
            self._excludes_next = False
        elif token.kind == "word" or last:
            self.terms.append(Term((token.lemma,), self._position, len(self.terms), prefix=last and self._prefix))

    def separator(self, token: Token) -> None:
        if token.kind == "hard":
            self._position += _HARD_STEP
            if self._phrase is not None:
                excludes = self._phrase_excludes
                self.close()
                self._phrase, self._phrase_excludes = [], excludes
        quotes = token.lemma.count('"')
        if quotes:
            if self._phrase is not None:
                quotes -= 1
                self.close()
            if quotes % 2:
                self._phrase, self._phrase_excludes = [], self._excludes_next
        self._excludes_next = self._phrase is None and token.lemma == "-" and self.after_space

    def close(self) -> None:
        """End the phrase that is open, if one is."""
        phrase, self._phrase = self._phrase, None
        if not phrase or not any(phrase):
            return
        if self._phrase_excludes:
            self.without.append(tuple(phrase))
        else:
            self.terms.append(Term(tuple(phrase), self._phrase_start, len(self.terms), phrase=True))
        self._phrase_excludes = False


def glued(terms: tuple[Term, ...]) -> Term | None:
    """Two or three neighbouring words as one; None where they are phrases or not neighbours."""
    if any(term.phrase for term in terms):
        return None
    if any(after.position != before.position + 1 for before, after in pairwise(terms)):
        return None
    parts = tuple(term.word for term in terms)
    return Term(("".join(parts),), terms[0].position, terms[0].number, prefix=terms[-1].prefix, parts=parts)
